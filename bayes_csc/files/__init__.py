"""Folders and files that are written whole or not at all."""

from bayes_csc.files.atomic_file import write_files
from bayes_csc.files.atomic_folder import reserved, whole_folder
from bayes_csc.files.disk import files_below
from bayes_csc.files.netcdf import netcdf, read_netcdf

__all__ = ["files_below", "netcdf", "read_netcdf", "reserved", "whole_folder", "write_files"]
