"""query: SQL over a recording, by DuckDB, with nothing else within its reach.

    Recording ─► Database (views, functions) ─► Answer (columns, rows) ─► table, CSV, JSON Lines

Comes in: the folder of a recording and SQL. Goes out: rows, as text for people or for machines. What is still being
recorded is there, too. It refuses to write: no file, no setting and no network can be reached from SQL.
"""

from shadowtap.query.cells import Cell
from shadowtap.query.database import Answer, Database
from shadowtap.query.lines import csv_lines, json_lines
from shadowtap.query.table import Table
from shadowtap.query.views import EXAMPLES, VIEWS, View

__all__ = [
    "EXAMPLES",
    "VIEWS",
    "Answer",
    "Cell",
    "Database",
    "Table",
    "View",
    "csv_lines",
    "json_lines",
]
