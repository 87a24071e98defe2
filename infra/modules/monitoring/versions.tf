terraform {
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
      # Metrics of CloudFront, its web ACL, certificates and bills are in us-east-1, and so must their alarms be.
      configuration_aliases = [aws.us_east_1]
    }
  }
}
