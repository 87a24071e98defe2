# For the tests of the modules that have functions: they link to it.
common = {
  packages_dir       = "../../testing/packages"
  architecture       = "arm64"
  runtime            = "python3.13"
  log_level          = "INFO"
  log_retention_days = 30
}
