# The record: proof that it is whole, filters, export.
