resource "aws_route53_record" "alias" {
  for_each = {
    for record in setproduct(var.zone_hosts, ["A", "AAAA"]) : "${record[0]} ${record[1]}" => { host = record[0], type = record[1] }
  }

  zone_id = var.zone_id
  name    = each.value.host
  type    = each.value.type

  alias {
    name                   = aws_cloudfront_distribution.this.domain_name
    zone_id                = aws_cloudfront_distribution.this.hosted_zone_id
    evaluate_target_health = false
  }
}
