"""Builders and tables that several tests share."""
