"""The balance engine: transfers are executed in memory, journaled in PostgreSQL, and only then answered.

docs/explanation/balance-engine.md tells the protocol. The modules, in the order of a transfer's way:

* `client`: the scripts, all that is ever done in memory; `entries`: what they write, and the same rules again;
* `ownership`: who executes an account, taking it and handing it back; `waiting`: until the journal has it;
* `journaler`, `rows`, `control`: from memory into the books, and the life of a partition; `process` runs them;
* `checks`, `status`: memory compared with the books, and how the engine does; `alerts`: who is told.

Memory is Redis or Valkey.
"""
