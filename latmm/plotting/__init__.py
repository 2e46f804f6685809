"""Figures of results, ready for print: every axis with its unit, every model with one colour."""
