"""The description of the API for programs (OpenAPI 3.1), made of what the handlers declare."""
