# For make infra: one deployment on moto, which lacks what `emulated` leaves out.
emulated    = true
environment = "local"
# Emulators stand before nothing: the secret is asked for by the web ACL, which they do not have, and not by the functions.
profile       = "guarded"
origin_secret = "emulated-emulated-emulated-emulated"

# Destroying what holds something means listing backups, which moto cannot. Nothing here holds anything.
stores = { deletion_protection = false }
