# Laid over the copy of an environment that make infra applies: a state beside it, and an emulator's ways. moto forgets the
# tags of some resources; buckets are named in the path.

terraform {
  backend "local" {}
}

provider "aws" {
  s3_use_path_style = true
  max_retries       = 3 # what moto lacks, it lacks at the 25th time too

  default_tags {}
}

provider "aws" {
  alias       = "us_east_1"
  max_retries = 3

  default_tags {}
}
