DROP FUNCTION balances_activate, balances_to_safe, balances_fence, balances_post_journaled, balances_flip, balances_take,
    balances_live;
UPDATE balances_balance SET partition_id = 0 WHERE partition_id <> 0;
DELETE FROM balances_poison;
DELETE FROM balances_partition_event;
DELETE FROM balances_partition_check;
DELETE FROM balances_partitionpost WHERE partition_id <> 0;
DELETE FROM balances_partition WHERE id <> 0;
