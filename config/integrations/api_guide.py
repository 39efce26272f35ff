"""What stands at the top of the API's description: what all operations have in common, in one screen."""

GUIDE = """The back office of a bank: members, accounts, payments, lending, approvals and the ledger.

**Sign in.** `POST /api/v1/auth/login` with e-mail and password answers `access` (15 minutes) and `refresh` (7
days, good once). Send `Authorization: Bearer <access>`; press *Authorize* above to do so here. Machines use an
API key in its place.

**Money** is `{"amount": "12.50", "currency": "KES"}`: a decimal string with at most the currency's decimals,
never a number. Rates are decimal strings: `rate_percent` `"18.00"` is 18 %, `rate` `"0.18"` the same. Dates are
`2026-11-20`, moments `2026-11-20T08:30:00Z`. Ids are UUIDs; where a field says account, its number is taken as
well.

**Once.** Operations that move money, and others that must not happen twice, need an `Idempotency-Key` of yours.
The same key with the same body gives the first answer again, with `Idempotency-Replayed: true`; with another
body it is refused (422).

**Lists** are `{"data": [...], "next_cursor": "...", "has_more": true}`, 25 rows unless `limit` (at most 200)
says otherwise. Send `next_cursor` as `cursor` with the same filters. Unknown parameters and unknown fields are
refused (400).

**Versions.** `ETag` is the version of a record. What changes a record wants it back in `If-Match`: without it
428, out of date 412.

**Later.** 202 means that it is not done yet: `Location` names the job that does it, or the request that waits
for approval.

**Errors** are `application/problem+json` (RFC 9457). Decide by `code`, show `detail`, quote `trace_id`;
`errors` points at each field. All codes are at [/api/v1/docs/errors](/api/v1/docs/errors). What is not yours is
404, as what does not exist. 429 and 503 say in `Retry-After` how many seconds to wait.
"""
