"""Reads a set of tables with every engine that is here, and asks the questions of
the chapter. Prints one JSON object: what each engine counted, and the answers.

    tables.py SET QUESTIONS.md [--spark]
"""

import json
import os
import re
import sys


def by_duckdb(folder):
    import duckdb

    db = duckdb.connect()
    glob = f"{folder}/entries/*/*.parquet"
    entries = f"read_parquet('{glob}', hive_partitioning = true)"
    one = lambda query: db.sql(query).fetchall()[0][0]
    pairs = lambda query: {key: count for key, count in db.sql(query).fetchall()}
    return {
        "entries": one(f"SELECT count(*) FROM {entries}"),
        "kinds": pairs(f"SELECT kind, count(*) FROM {entries} GROUP BY kind"),
        "tenants": pairs(
            f"SELECT t, count(*) FROM (SELECT unnest(tenants) AS t FROM {entries}) GROUP BY t"
        ),
        "denied": one(f"SELECT count(*) FROM {entries} WHERE denied"),
        "last": one(f"SELECT lower(hex(arg_max(hash, seq))) FROM {entries}"),
        "days": one(f"SELECT count(DISTINCT day) FROM {entries}"),
    }


def counted(frame):
    """What a data frame of pandas says."""
    tenants = frame["tenants"].explode().dropna()
    return {
        "entries": len(frame),
        "kinds": {k: int(n) for k, n in frame["kind"].value_counts().items()},
        "tenants": {k: int(n) for k, n in tenants.value_counts().items()},
        "denied": int((frame["denied"] == True).sum()),  # noqa: E712
        "last": frame.sort_values("seq")["hash"].iloc[-1].hex(),
        "days": frame["day"].nunique(),
    }


def by_pandas(folder):
    import pandas

    return counted(pandas.read_parquet(f"{folder}/entries"))


def by_pyarrow(folder):
    import pyarrow.dataset

    table = pyarrow.dataset.dataset(f"{folder}/entries", partitioning="hive").to_table()
    return counted(table.to_pandas())


def by_polars(folder):
    import polars

    frame = polars.read_parquet(f"{folder}/entries/*/*.parquet", hive_partitioning=True)
    counts = lambda series: dict(series.value_counts().iter_rows())
    tenants = frame["tenants"].explode().drop_nulls()
    return {
        "entries": frame.height,
        "kinds": counts(frame["kind"]),
        "tenants": counts(tenants),
        "denied": frame.filter(polars.col("denied")).height,
        "last": frame.sort("seq")["hash"][-1].hex(),
        "days": frame["day"].n_unique(),
    }


def by_spark(folder):
    from pyspark.sql import SparkSession, functions as f

    # Nothing but this machine, and no page of its own.
    spark = (
        SparkSession.builder.master("local[1]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.sql.session.timeZone", "UTC")
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")
    try:
        frame = spark.read.parquet(f"{folder}/entries")
        pairs = lambda rows: {row[0]: row[1] for row in rows}
        tenants = frame.select(f.explode("tenants").alias("t"))
        last = frame.orderBy(f.desc("seq")).first()
        return {
            "entries": frame.count(),
            "kinds": pairs(frame.groupBy("kind").count().collect()),
            "tenants": pairs(tenants.groupBy("t").count().collect()),
            "denied": frame.filter("denied").count(),
            "last": bytes(last["hash"]).hex(),
            "days": frame.select("day").distinct().count(),
        }
    finally:
        spark.stop()


def answers(folder, chapter):
    import duckdb

    db = duckdb.connect()
    db.sql("SET TimeZone = 'UTC'")
    found = []
    for title, text in re.findall(r"```sql( setup)?\n(.*?)```", chapter, re.DOTALL):
        text = text.replace("'tables/", f"'{folder}/")
        if title:
            for statement in filter(str.strip, text.split(";")):
                db.sql(statement)
            continue
        rows = db.sql(text)
        names = rows.columns
        found.append([dict(zip(names, map(shown, row))) for row in rows.fetchall()])
    return found


def shown(value):
    return value if value is None or isinstance(value, (bool, int, str)) else str(value)


def main():
    folder, chapter = os.path.abspath(sys.argv[1]), open(sys.argv[2]).read()
    engines = [by_duckdb, by_pandas, by_pyarrow, by_polars]
    if "--spark" in sys.argv:
        engines.append(by_spark)
    counts = {engine.__name__[3:]: engine(folder) for engine in engines}
    print(json.dumps({"counts": counts, "answers": answers(folder, chapter)}))


main()
