"""Figures: what a sweep file asks for, drawn."""
