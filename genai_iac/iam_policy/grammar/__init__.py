"""The parser's parts: tokens, a stream of them, one module per part of a statement, error positions and hints.

For: turning text into syntax trees. In: statement text. Out: syntax trees, or PolicySyntaxError with the column.
Must not know: what a statement means, or whether its names exist.
"""
