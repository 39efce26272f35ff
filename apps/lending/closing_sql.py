"""The statements that age and accrue loans. What they work out is what `apps.lending.servicing` does, loan by loan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from apps.lending.closing_parts import Version

LISTED = """
SELECT l.id, l.branch_id, l.product_id, l.interest_account_id, l.charges_account_id,
       EXISTS (SELECT FROM lending_loaninstalment i
                WHERE i.schedule_id = l.schedule_id AND i.due_on >= s.booked_through AND i.due_on <= %(horizon)s
                  AND i.fees + i.penalties > i.charged)
  FROM lending_loan l JOIN lending_loanstanding s ON s.loan_id = l.id
 WHERE l.status = 'active' AND l.interest_account_id BETWEEN %(low)s AND %(high)s
 ORDER BY l.branch_id, l.product_id, l.interest_account_id
"""

# Interest of a period that runs: whole stretches as they are, the one under way by its days; half up. Numerator and
# denominator are exact, so `div` rounds what a fraction would.
_EARNED = """
LEFT JOIN LATERAL (
    SELECT div(2 * (q.done * q.days + q.under) + q.days, 2 * q.days) AS earned, q.rate
      FROM (SELECT coalesce(sum(p.interest) FILTER (WHERE p.until <= w.horizon), 0) AS done,
                   coalesce(max(p.interest * (w.horizon - p.since)) FILTER (WHERE p.until > w.horizon), 0) AS under,
                   coalesce(max(p.until - p.since) FILTER (WHERE p.until > w.horizon), 1) AS days,
                   (array_agg(p.rate ORDER BY p.since DESC))[1] AS rate
              FROM (SELECT (e ->> 'from')::date AS since, (e ->> 'to')::date AS until, (e ->> 'rate')::numeric AS rate,
                           (e ->> 'interest')::numeric AS interest
                      FROM jsonb_array_elements(i.parts) e) p
             WHERE p.since < w.horizon) q
     ) r ON i.starts_on < w.horizon AND i.due_on > w.horizon
"""
_ROWS = f"""
CROSS JOIN LATERAL (
    SELECT coalesce(sum(CASE WHEN i.due_on <= w.horizon THEN i.accrues
                             WHEN i.starts_on < w.horizon THEN least(i.accrues, coalesce(r.earned, 0))
                             ELSE 0 END), 0)::bigint AS earned,
           coalesce(sum(i.interest_paid), 0)::bigint AS interest_paid,
           coalesce(sum(i.charged + CASE WHEN i.due_on <= w.horizon THEN i.fees + i.penalties - i.charged
                                         ELSE 0 END), 0)::bigint AS charged,
           coalesce(sum(i.principal - i.principal_paid), 0)::bigint AS principal,
           max(r.rate) AS rate,
           min(i.due_on) FILTER (WHERE i.due_on < %(day)s AND i.unpaid > 0) AS oldest,
           coalesce(sum(i.principal - i.principal_paid) FILTER (WHERE i.due_on < %(day)s), 0)::bigint AS late_principal,
           coalesce(sum(i.interest - i.interest_paid) FILTER (WHERE i.due_on < %(day)s), 0)::bigint AS late_interest,
           coalesce(sum(i.fees + i.penalties - i.fees_paid - i.penalties_paid)
                    FILTER (WHERE i.due_on < %(day)s), 0)::bigint AS late_charges,
           (array_agg(i.due_on ORDER BY i.number) FILTER (WHERE i.due_on >= %(day)s AND i.unpaid > 0))[1] AS next_on,
           coalesce((array_agg(i.unpaid ORDER BY i.number)
                     FILTER (WHERE i.due_on >= %(day)s AND i.unpaid > 0))[1], 0) AS next_amount
      FROM (SELECT n.*, n.principal + n.interest + n.fees + n.penalties
                   - n.principal_paid - n.interest_paid - n.fees_paid - n.penalties_paid AS unpaid
              FROM lending_loaninstalment n WHERE n.schedule_id = l.schedule_id) i
      {_EARNED}
     ) f
"""  # noqa: S608 our own words
# Days late that count: since the oldest due date, less pauses (together, once) and grace.
_AGE = """
CROSS JOIN LATERAL (
    SELECT coalesce(%(day)s - f.oldest, 0) AS past,
           CASE WHEN f.oldest IS NULL THEN 0
                ELSE greatest(%(day)s - f.oldest - t.grace - {paused}, 0) END AS late
     ) a
CROSS JOIN LATERAL (
    SELECT CASE WHEN f.oldest IS NULL THEN false WHEN a.late > t.non_accrual THEN true
                ELSE s.is_non_accrual END AS non_accrual
     ) n
"""
PAUSED = """coalesce((
               SELECT sum(upper(z) - lower(z)) FROM unnest((
                   SELECT range_agg(daterange(u.starts_on, u.ends_on)) FROM lending_loanpause u
                    WHERE u.loan_id = l.id AND u.entered_on <= %(day)s
               ) * datemultirange(daterange({since}, %(day)s))) z), 0)"""

CALCULATED = f"""
SELECT l.id, l.branch_id, l.product_id, l.interest_account_id, l.charges_account_id,
       f.earned - s.interest_booked AS interest,
       CASE WHEN p.accounting = 'cash' OR n.non_accrual THEN greatest(f.earned - f.interest_paid, 0) ELSE 0 END
           - s.suspended AS suspended,
       f.charged - s.charges_booked AS charges,
       f.principal, coalesce(f.rate, l.rate), w.horizon,
       a.past, f.oldest, f.late_principal, f.late_interest, f.late_charges, f.next_on, f.next_amount,
       coalesce((SELECT b.name FROM unnest(%(bucket_terms)s::uuid[], %(bucket_names)s::text[],
                                           %(bucket_first)s::int[], %(bucket_last)s::int[])
                        AS b (terms_id, name, first, last)
                  WHERE b.terms_id = l.terms_id AND a.late BETWEEN b.first AND coalesce(b.last, a.late)), '') AS bucket,
       n.non_accrual
  FROM lending_loan l
  JOIN lending_loanstanding s ON s.loan_id = l.id
  JOIN lending_loanproduct p ON p.id = l.product_id
  JOIN unnest(%(terms)s::uuid[], %(graces)s::int[], %(non_accruals)s::int[])
       AS t (terms_id, grace, non_accrual) ON t.terms_id = l.terms_id
 CROSS JOIN LATERAL (SELECT greatest(%(horizon)s::date, s.booked_through) AS horizon) w
 {_ROWS}
 {_AGE.format(paused=PAUSED.format(since="f.oldest"))}
 WHERE l.id = ANY (%(loans)s) AND l.status = 'active'
"""  # noqa: S608 our own words

WRITTEN = """
WITH news AS (
    SELECT * FROM unnest(
        %(loan)s::uuid[], %(interest)s::bigint[], %(suspended)s::bigint[], %(charges)s::bigint[], %(balance)s::bigint[],
        %(rate)s::numeric[], %(horizon)s::date[], %(past)s::int[], %(oldest)s::date[], %(late_principal)s::bigint[],
        %(late_interest)s::bigint[], %(late_charges)s::bigint[], %(next_on)s::date[], %(next_amount)s::bigint[],
        %(bucket)s::text[], %(non_accrual)s::boolean[], %(transaction)s::uuid[])
    AS n (loan_id, interest, suspended, charges, balance, rate, horizon, past, oldest, late_principal, late_interest,
          late_charges, next_on, next_amount, bucket, non_accrual, transaction_id)
), days AS (
    INSERT INTO lending_loanday AS d (loan_id, business_date, interest, suspended, charges, balance, rate,
                                      days_past_due, transaction_id)
    SELECT n.loan_id, %(day)s, n.interest, n.suspended, n.charges, n.balance, n.rate, n.past, n.transaction_id
      FROM news n WHERE n.interest <> 0 OR n.suspended <> 0 OR n.charges <> 0 OR n.past > 0
        ON CONFLICT (loan_id, business_date) DO UPDATE
       SET interest = d.interest + excluded.interest, suspended = d.suspended + excluded.suspended,
           charges = d.charges + excluded.charges, balance = excluded.balance, days_past_due = excluded.days_past_due,
           transaction_id = coalesce(excluded.transaction_id, d.transaction_id)
)
UPDATE lending_loanstanding s
   SET booked_through = n.horizon, interest_booked = s.interest_booked + n.interest,
       suspended = s.suspended + n.suspended, charges_booked = s.charges_booked + n.charges,
       is_non_accrual = n.non_accrual,
       non_accrual_since = CASE WHEN NOT n.non_accrual THEN NULL ELSE coalesce(s.non_accrual_since, %(day)s) END,
       as_of = %(day)s, days_past_due = n.past, overdue_since = n.oldest, overdue_principal = n.late_principal,
       overdue_interest = n.late_interest, overdue_charges = n.late_charges, next_due_on = n.next_on,
       next_due_amount = n.next_amount, bucket = n.bucket
  FROM news n WHERE s.loan_id = n.loan_id
"""


def terms_values(versions: Sequence[Version]) -> dict[str, Any]:
    """Graces, limits and buckets of the versions, as the statements take them."""
    buckets = [(one.terms.pk, bucket) for one in versions for bucket in one.arrears.buckets]
    return {
        "terms": [one.terms.pk for one in versions],
        "graces": [one.arrears.grace_days for one in versions],
        "non_accruals": [one.arrears.non_accrual_days for one in versions],
        "bucket_terms": [terms for terms, _ in buckets],
        "bucket_names": [bucket.name for _, bucket in buckets],
        "bucket_first": [bucket.first_day for _, bucket in buckets],
        "bucket_last": [bucket.last_day for _, bucket in buckets],
    }
