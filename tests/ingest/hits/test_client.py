from ingest.hits.client import client_from_headers


def test_cloudfront_says_where_the_viewer_is() -> None:
    client = client_from_headers(
        {
            "cloudfront-viewer-country": "DE",
            "cloudfront-viewer-country-region": "NW",
            "cloudfront-viewer-country-region-name": "North Rhine-Westphalia",
            "cloudfront-viewer-city": "K%C3%B6ln",
        },
        "192.0.2.1",
    )
    assert (client.country, client.region, client.city) == ("DE", "NW", "Köln")


def test_the_name_of_a_region_stands_in_for_its_code() -> None:
    client = client_from_headers({"cloudfront-viewer-country-region-name": "Sicily"}, "192.0.2.1")
    assert client.region == "Sicily"


def test_the_first_language_is_taken() -> None:
    headers = {"accept-language": "pt-BR,pt;q=0.9,en;q=0.8"}
    assert client_from_headers(headers, "").language == "pt-BR"
    assert client_from_headers({"accept-language": "en;q=0.5"}, "").language == "en"


def test_a_language_that_is_none_is_not_set() -> None:
    for value in ("*", "", "<script>", "en_US"):
        assert client_from_headers({"accept-language": value}, "").language == ""


def test_behind_cloudfront_the_viewer_is_the_client() -> None:
    viewer = {"cloudfront-viewer-address": "2001:db8::7:46532"}
    assert client_from_headers(viewer, "203.0.113.9").address == "2001:db8::7"
    assert client_from_headers({}, "203.0.113.9").address == "203.0.113.9"


def test_hostile_values_are_bounded_and_stay_encodable() -> None:
    client = client_from_headers(
        {
            "user-agent": "x\ud800" * 5000,
            "cloudfront-viewer-city": "%ED%A0%80" * 100,
            "cloudfront-viewer-country": "Atlantis",
        },
        "192.0.2.1",
    )
    assert client.country == ""
    assert len(client.user_agent) == 1000
    assert len(client.city.encode()) < 500
    assert client.user_agent.encode()
