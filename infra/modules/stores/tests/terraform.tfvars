environment     = "dev"
first_token_key = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
