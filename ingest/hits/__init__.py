"""A hit is judged, and what is known of it is added: page, source, place, browser, visitor."""
