// The joint model of bayes_csc_models (trajectory.py, joint.py) in Stan; names and symbols are those of the model.
functions {
  // Stationary AR(1) of unit variance from its innovations (series, year).
  matrix path_of(matrix e, vector phi) {
    matrix[rows(e), cols(e)] path;
    vector[rows(e)] step = sqrt(1 - square(phi));
    if (cols(e) > 0) {
      path[, 1] = e[, 1];
    }
    for (t in 2 : cols(e)) {
      path[, t] = phi .* path[, t - 1] + step .* e[, t];
    }
    return path;
  }
  // Log density of AR(1) paths (series, year) of standard deviation sd.
  real path_lpdf(matrix path, vector phi, vector sd) {
    int T = cols(path);
    vector[rows(path)] step = sd .* sqrt(1 - square(phi));
    real out = normal_lpdf(path[, 1] | 0, sd);
    for (t in 2 : T) {
      out += normal_lpdf(path[, t] | phi .* path[, t - 1], step);
    }
    return out;
  }
  // Log of a difference of normal distribution functions, in the tail where it keeps its digits.
  real interval_lpmf(int s, real f, vector c) {
    int G = rows(c) + 1;
    if (s == 1) {
      return std_normal_lcdf(c[1] - f |);
    }
    if (s == G) {
      return std_normal_lccdf(c[G - 1] - f |);
    }
    real low = c[s - 1] - f;
    real high = c[s] - f;
    if (low + high > 0) {
      return log_diff_exp(std_normal_lcdf(-low |), std_normal_lcdf(-high |));
    }
    return log_diff_exp(std_normal_lcdf(high |), std_normal_lcdf(low |));
  }
}
data {
  int<lower=0, upper=1> centred_states, centred_deviations;
  int A, Y, R, K, P; // authorities, grid years, regions, indicators, parts of the trend
  array[A] int region;
  vector[A] deprivation;
  vector[Y] time;
  int<lower=0, upper=1> use_region, use_deprivation, use_ratings;
  matrix[R - 1, R] helmert;
  // the columns of the blocks' covariance factors
  int C, A1, C1;
  array[C] int column_kind;
  matrix[Y, C1] own;
  array[A1] int own_authority;
  array[A1, C1] int own_column;
  real trend_unit;
  int n_nonzero; // of the other blocks' factors, by rows
  vector[n_nonzero] linked_value;
  array[n_nonzero] int linked_column;
  array[A * Y + 1] int linked_start;
  vector[P] share_concentration;
  // cells
  int S, T, U, M, Q, N; // series, reporting years, units, members of a unit, instants, cells
  array[S] int series_kind;
  array[U, M] int unit_authority;
  matrix[U, M] unit_share;
  matrix[Q, Y] weight;
  array[N] int series, year, unit, instant, effect;
  vector[N] unit_deprivation;
  int n_effect, n_step;
  matrix[n_effect, n_step] step_basis;
  vector[n_step] step_scale;
  int n_value, n_count;
  array[n_value] int value;
  vector[n_value] z, variance;
  array[n_count] int count;
  vector[n_count] confidence_variance, sign, lower_count, upper_count, denominator;
  // deviations that a domain's indicators share
  int D, Kd, Ks, Kg, SD, ND;
  array[Kd] int shared_kind, share_of, lead; // lead: the first of a pair, which has one parameter
  array[SD] int domain_of;
  array[ND] int domain_cell, domain_series;
  // judgements
  int J, G, F, L, I; // judgements, grades, scales, domains judged, inspections
  array[J] int judged_authority, score, scale_of, about, inspection;
  int<lower=0, upper=1> several; // whether inspections have several judgements
  matrix[F, F > 1 ? F - 1 : 0] ancestry;
  matrix[J, Y] judged_weight;
  matrix[use_ratings ? Y : 0, use_ratings ? Y - 1 : 0] standard_basis;
  int<lower=0, upper=1> use_drift, use_previous, use_spacing, use_earlier, use_share;
  vector[Y] drift_time;
  array[J] int previous; // grade before, 1: none
  matrix[G - 1, G] grade_helmert;
  vector[J] earlier;
  int n_covariate;
  matrix[J, n_covariate] covariate;
  // loadings
  int Ka, Kn;
  array[Ka] int agreed;
  array[Kn] int not_agreed;
  // priors
  real region_sd, region_trend_sd, region_df, deprivation_level_sd, deprivation_trend_sd, succession_sd;
  real agreed_sd, not_agreed_sd, level_sd, year_sd, deprivation_slope_sd, deviation_scale;
  vector[2] white_prior, autocorrelation_prior, domain_prior;
  real judgement_sd, grade_concentration, shift_sd, spread_sd, standards_sd, standards_df, inspection_scale;
  real drift_sd, previous_sd, spacing_sd, earlier_sd, covariate_sd, common_scale;
  vector[2] share_prior;
  real region_precision, standard_precision; // with which data are taken to know an effect, in its coordinate
}
transformed data {
  int n_region = use_region ? R - 1 : 0;
  int n_standard = use_ratings ? Y - 1 : 0;
  int n_later = F > 1 ? F - 1 : 0;
  array[N] int at_path; // columns first, as to_vector has it
  array[N] int at_instant;
  array[ND] int at_domain;
  for (i in 1 : N) {
    at_path[i] = (year[i] - 1) * S + series[i];
    at_instant[i] = (instant[i] - 1) * U + unit[i];
  }
  for (i in 1 : ND) {
    at_domain[i] = (year[domain_cell[i]] - 1) * SD + domain_series[i];
  }
}
parameters {
  array[use_region] real<lower=0> region_level_variance, region_trend_variance;
  vector[n_region] region_level_scaled, region_trend_scaled;
  array[use_deprivation * use_ratings] real deprivation_level;
  array[use_deprivation] real deprivation_trend;
  simplex[P] trend_share;
  vector<lower=0>[Ka] loading_agreed;
  vector[Kn] loading_not_agreed;
  vector[K] indicator_level;
  vector[n_step] year_step;
  vector[use_deprivation ? K : 0] deprivation_slope;
  vector<lower=0>[K] deviation_sd;
  vector<lower=0, upper=1>[K] white_share, autocorrelation;
  vector<lower=0, upper=1>[Ks] domain_share;
  vector<lower=0, upper=1>[Kg] domain_agreement;
  vector<lower=0, upper=1>[D] domain_autocorrelation, domain_white_share;
  vector<lower=0>[use_share ? 0 : L] judgement_loading;
  vector<lower=0>[use_share ? L : 0] common_sd;
  array[use_share] real<lower=0, upper=1> theta_share;
  array[use_drift] real standard_drift;
  array[use_previous] real no_previous_effect;
  vector[use_previous ? G - 1 : 0] previous_contrast;
  array[use_earlier] real earlier_effect;
  vector[n_covariate] covariate_effect;
  matrix[use_spacing ? G + 1 : 0, G - 2] previous_spacing;
  array[use_ratings] real<lower=0> standard_variance;
  vector[n_standard] standard_scaled;
  simplex[use_ratings ? G : 1] grade_share;
  vector[n_later] scale_shift, scale_stretch;
  array[several * (1 - use_share)] real<lower=0> inspection_sd;
  vector[I] inspection_effect;
  vector[C] state;
  matrix[S, T] deviation;
  matrix[SD, T] domain_deviation, domain_white;
  vector[n_count] white_innovation;
}
transformed parameters {
  matrix[A, Y] theta;
  vector[C] scale; // of each column
  matrix[A, 2] line = rep_matrix(0, A, 2); // level and trend of theta's mean
  {
    vector[4] of_kind = [0, 0, 0, succession_sd]';
    of_kind[1 : P] = sqrt(trend_share);
    scale = of_kind[column_kind];
    if (use_region) {
      line[, 1] += (sqrt(region_level_variance[1] / (1 + region_level_variance[1] * region_precision)) * (helmert' * region_level_scaled))[region];
      line[, 2] += (sqrt(region_trend_variance[1] / (1 + region_trend_variance[1] * region_precision)) * (helmert' * region_trend_scaled))[region];
    }
    if (use_deprivation) {
      if (use_ratings) {
        line[, 1] += deprivation_level[1] * deprivation;
      }
      line[, 2] += deprivation_trend[1] * deprivation;
    }
    vector[C] column = centred_states ? state : scale .* state;
    matrix[A1, C1] of_own;
    for (c in 1 : C1) {
      of_own[, c] = column[own_column[, c]];
    }
    theta = line[, 1] * rep_row_vector(1, Y) + line[, 2] * time';
    if (n_nonzero > 0) {
      theta += to_matrix(csr_matrix_times_vector(A * Y, C, linked_value, linked_column, linked_start, column), A, Y, 0);
    }
    if (centred_states) {
      theta[own_authority] = of_own * own';
    } else {
      theta[own_authority] += of_own * own';
    }
  }
}
model {
  vector[K] loading;
  loading[agreed] = loading_agreed;
  loading[not_agreed] = loading_not_agreed;
  vector[K] q = rep_vector(0, K);
  {
    vector[Ks + Kg] correlation = append_row(sqrt(domain_share), 2 * domain_agreement - 1);
    for (i in 1 : Kd) {
      q[shared_kind[i]] = lead[i] ? abs(correlation[share_of[i]]) : correlation[share_of[i]];
    }
  }
  vector[K] own_sd = deviation_sd .* sqrt(1 - square(q));
  vector[K] ar_sd = own_sd .* sqrt(1 - white_share);
  vector[K] white_sd = own_sd .* sqrt(white_share);
  vector[K] domain_sd = deviation_sd .* q;

  if (use_region) {
    target += inv_gamma_lpdf(region_level_variance[1] | 0.5 * region_df, 0.5 * region_df * square(region_sd));
    target += inv_gamma_lpdf(region_trend_variance[1] | 0.5 * region_df, 0.5 * region_df * square(region_trend_sd));
    target += normal_lpdf(region_level_scaled | 0, sqrt(1 + region_level_variance[1] * region_precision));
    target += normal_lpdf(region_trend_scaled | 0, sqrt(1 + region_trend_variance[1] * region_precision));
  }
  target += normal_lpdf(deprivation_level | 0, deprivation_level_sd);
  target += normal_lpdf(deprivation_trend | 0, deprivation_trend_sd);
  target += dirichlet_lpdf(trend_share | share_concentration);
  target += normal_lpdf(loading_agreed | 0, agreed_sd) + normal_lpdf(loading_not_agreed | 0, not_agreed_sd);
  target += normal_lpdf(indicator_level | 0, level_sd) + normal_lpdf(year_step | 0, year_sd * step_scale);
  target += normal_lpdf(deprivation_slope | 0, deprivation_slope_sd) + normal_lpdf(deviation_sd | 0, deviation_scale);
  target += beta_lpdf(white_share | white_prior[1], white_prior[2]);
  target += beta_lpdf(autocorrelation | autocorrelation_prior[1], autocorrelation_prior[2]);
  target += beta_lpdf(domain_share | domain_prior[1], domain_prior[2]);
  target += beta_lpdf(domain_agreement | domain_prior[1], domain_prior[2]);
  target += beta_lpdf(domain_white_share | white_prior[1], white_prior[2]);
  target += beta_lpdf(domain_autocorrelation | autocorrelation_prior[1], autocorrelation_prior[2]);

  vector[S] phi = autocorrelation[series_kind];
  vector[SD] domain_phi = domain_autocorrelation[domain_of];
  matrix[S, T] path;
  matrix[SD, T] domain_path;
  if (centred_states) {
    vector[C] centre = rep_vector(0, C);
    centre[own_column[, 1]] = line[own_authority, 1];
    centre[own_column[, 2]] = trend_unit * line[own_authority, 2];
    target += normal_lpdf(state | centre, scale);
  } else {
    target += std_normal_lpdf(state);
  }
  if (centred_deviations) {
    target += path_lpdf(deviation | phi, ar_sd[series_kind]);
    target += path_lpdf(domain_deviation | domain_phi, rep_vector(1, SD));
    path = deviation;
    domain_path = domain_deviation;
  } else {
    target += std_normal_lpdf(to_vector(deviation)) + std_normal_lpdf(to_vector(domain_deviation));
    path = diag_pre_multiply(ar_sd[series_kind], path_of(deviation, phi));
    domain_path = path_of(domain_deviation, domain_phi);
  }
  target += std_normal_lpdf(to_vector(domain_white));
  domain_path = diag_pre_multiply(sqrt(1 - domain_white_share[domain_of]), domain_path)
                + diag_pre_multiply(sqrt(domain_white_share[domain_of]), domain_white);

  matrix[U, Y] of_unit = diag_pre_multiply(unit_share[, 1], theta[unit_authority[, 1]]);
  for (m in 2 : M) {
    of_unit += diag_pre_multiply(unit_share[, m], theta[unit_authority[, m]]);
  }
  array[N] int kind = series_kind[series];
  vector[n_effect] year_effect = step_basis * year_step;
  vector[N] eta = indicator_level[kind] + year_effect[effect] + to_vector(path)[at_path]
                  + loading[kind] .* to_vector(of_unit * weight')[at_instant];
  if (use_deprivation) {
    eta += deprivation_slope[kind] .* unit_deprivation;
  }
  if (ND > 0) {
    eta[domain_cell] += domain_sd[kind[domain_cell]] .* to_vector(domain_path)[at_domain];
  }
  target += normal_lpdf(z | eta[value], sqrt(variance + square(white_sd[kind[value]])));
  target += std_normal_lpdf(white_innovation);
  if (n_count > 0) {
    vector[n_count] logit = sign .* (eta[count] + sqrt(square(white_sd[kind[count]]) + confidence_variance) .* white_innovation);
    target += dot_product(lower_count, logit) - dot_product(denominator, log1p_exp(logit));
    for (i in 1 : n_count) {
      if (upper_count[i] > lower_count[i]) {
        int n = to_int(upper_count[i] - lower_count[i]) + 1;
        vector[n] term;
        for (j in 1 : n) {
          real y = lower_count[i] + j - 1;
          term[j] = -lgamma(y + 1) - lgamma(denominator[i] - y + 1) + (j - 1) * logit[i];
        }
        target += log_sum_exp(term);
      }
    }
  }
  if (use_ratings) {
    real base_middle;
    vector[G - 1] base = inv_Phi(fmin(cumulative_sum(grade_share)[1 : G - 1], 1 - 1e-16));
    matrix[F, G - 1] cutpoints;
    base_middle = base[(G - 1) %/% 2 + 1];
    vector[F] centre = base_middle + ancestry * scale_shift;
    vector[F] spread = exp(ancestry * scale_stretch);
    for (f in 1 : F) {
      cutpoints[f] = (centre[f] + spread[f] * (base - base_middle))';
    }
    vector[L] psi;
    vector[L] effect_sd = rep_vector(0, L);
    if (use_share) {
      target += normal_lpdf(common_sd | 0, common_scale) + beta_lpdf(theta_share[1] | share_prior[1], share_prior[2]);
      psi = common_sd * sqrt(theta_share[1]);
      effect_sd = common_sd * sqrt(1 - theta_share[1]);
    } else {
      target += normal_lpdf(judgement_loading | 0, judgement_sd);
      psi = judgement_loading;
    }
    target += inv_gamma_lpdf(standard_variance[1] | 0.5 * standards_df, 0.5 * standards_df * square(standards_sd));
    target += normal_lpdf(standard_scaled | 0, sqrt(1 + standard_variance[1] * standard_precision));
    target += dirichlet_lpdf(grade_share | rep_vector(grade_concentration, G));
    target += normal_lpdf(scale_shift | 0, shift_sd) + normal_lpdf(scale_stretch | 0, spread_sd);
    vector[Y] standard = standard_basis * (sqrt(standard_variance[1] / (1 + standard_variance[1] * standard_precision)) * standard_scaled);
    if (use_drift) {
      target += normal_lpdf(standard_drift | 0, drift_sd);
      standard += standard_drift[1] * drift_time;
    }
    vector[J] latent = psi[about] .* rows_dot_product(theta[judged_authority], judged_weight) + judged_weight * standard;
    if (use_previous) {
      target += normal_lpdf(no_previous_effect | 0, previous_sd) + normal_lpdf(previous_contrast | 0, previous_sd);
      latent += append_row(no_previous_effect[1], grade_helmert' * previous_contrast)[previous];
    }
    if (use_earlier) {
      target += normal_lpdf(earlier_effect | 0, earlier_sd);
      latent += earlier_effect[1] * earlier;
    }
    if (n_covariate > 0) {
      target += normal_lpdf(covariate_effect | 0, covariate_sd);
      latent += covariate * covariate_effect;
    }
    if (several) {
      if (!use_share) {
        target += normal_lpdf(inspection_sd | 0, inspection_scale);
        effect_sd = rep_vector(inspection_sd[1], L);
      }
      target += std_normal_lpdf(inspection_effect);
      latent += effect_sd[about] .* inspection_effect[inspection];
    }
    target += normal_lpdf(to_vector(previous_spacing) | 0, spacing_sd);
    for (j in 1 : J) {
      vector[G - 1] after = cutpoints[scale_of[j]]';
      if (use_spacing) { // distances of its own after each previous grade, about the middle
        int middle = (G - 1) %/% 2 + 1;
        vector[G - 1] from_first = rep_vector(0, G - 1);
        for (k in 1 : G - 2) {
          from_first[k + 1] = from_first[k] + (after[k + 1] - after[k]) * exp(previous_spacing[previous[j], k]);
        }
        after = after[middle] + from_first - from_first[middle];
      }
      target += interval_lpmf(score[j] | latent[j], after);
    }
  }
}
