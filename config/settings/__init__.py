"""Settings: `base` is what all share; `local`, `test` and `production` say only what differs."""
