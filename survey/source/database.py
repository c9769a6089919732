"""A wave that lies in a database: one query, its answer as text cells."""

from __future__ import annotations

import csv
import io

from survey.errors import DataError
from survey.source.cells import cell_text


def answer(address: str, query: str, name: str) -> bytes:
    """The rows of a query as CSV in UTF-8, sorted, so that the same rows give the same bytes.

    The transaction is rolled back, which takes rows back that a query writes, but no table that it drops in SQLite: the
    address should be of an account that can only read. The database's own words are withheld, since they may quote the
    address with its password, or an answer.

    Raises: DataError: the database cannot be reached or refuses the query, or there are no rows.
    """
    import sqlalchemy

    try:
        engine = sqlalchemy.create_engine(address, poolclass=sqlalchemy.NullPool)
        with engine.connect() as connection:
            found = connection.execute(sqlalchemy.text(query))
            header, rows = list(found.keys()), [tuple(map(cell_text, row)) for row in found]
            connection.rollback()
    except (sqlalchemy.exc.SQLAlchemyError, ImportError) as error:
        raise DataError(
            "The database does not answer the query of {file}",
            where="survey.yaml, query of {file}",
            expected="rows",
            got="{kind_of_error}",
            hint="try the query with the same address in another program; values are withheld here",
            file=name,
            kind_of_error=type(error).__name__,
        ) from None
    if not rows:
        raise DataError(
            "{file} is empty", where="survey.yaml, query of {file}", expected="rows", got="nothing", file=name
        )
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerow(header)
    writer.writerows(sorted(rows))
    return stream.getvalue().encode()
