"""What several formats share: phrases, attribute values, HTML, Markdown, SVG and terminal helpers.

In: values and text. Out: text that is safe for the format. Must not know: plans as a whole, or any one report.
"""
