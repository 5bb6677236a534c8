"""Captioned pictures that people bring: read from folders, tables and data sets, with an account of every file."""
