"""The chapters of the report: one function (inputs) -> `blocks.Section` or None each."""
