"""report.html: one self-contained page that shows what a version is and where it is wrong."""
