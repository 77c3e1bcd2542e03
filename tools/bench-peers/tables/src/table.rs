//! The two databases, behind what a logbook asks of one.

use std::io::{BufRead as _, BufReader};

use postgres::{Client, NoTls, Statement};
use rusqlite::{Connection, params};

use crate::Fallible;

#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) tenant: String,
    pub(crate) correlation: String,
    pub(crate) text: String,
}

pub(crate) struct Row {
    pub(crate) seq: i64,
    pub(crate) hash: Vec<u8>,
    /// Empty where entries are not signed.
    pub(crate) signature: Vec<u8>,
    pub(crate) entry: Entry,
}

pub(crate) trait Table: Send {
    /// One transaction, on the disk when this returns.
    fn insert(&mut self, rows: &[Row]) -> Fallible<()>;

    /// The last number and hash.
    fn last(&mut self) -> Fallible<(i64, Vec<u8>)>;

    /// All rows in their order, so many at a time.
    fn scan(
        &mut self,
        group: usize,
        take: &mut dyn FnMut(Vec<Row>) -> Fallible<()>,
    ) -> Fallible<()>;

    /// Reads the newest ten of a tenant, and says how many there are.
    fn newest(&mut self, tenant: &str) -> Fallible<usize>;
}

pub(crate) fn entries(path: &str) -> Fallible<Vec<Entry>> {
    let lines = BufReader::new(std::fs::File::open(path)?).lines();
    lines.map(|line| crate::entry(&line?)).collect()
}

pub(crate) fn open(place: &str) -> Fallible<Box<dyn Table>> {
    match place.split_once(':') {
        Some(("sqlite", file)) => Ok(Box::new(Sqlite::open(file)?)),
        Some(("postgres", parameters)) => Ok(Box::new(Postgres::open(parameters)?)),
        _ => Err(format!("{place} is neither sqlite:FILE nor postgres:PARAMETERS").into()),
    }
}

struct Sqlite(Connection);

impl Sqlite {
    fn open(file: &str) -> Fallible<Sqlite> {
        let connection = Connection::open(file)?;
        connection.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
             CREATE TABLE IF NOT EXISTS entries (seq INTEGER PRIMARY KEY, hash BLOB NOT NULL,
                 signature BLOB, tenant TEXT, correlation TEXT, text TEXT NOT NULL);
             CREATE UNIQUE INDEX IF NOT EXISTS by_hash ON entries (hash);
             CREATE INDEX IF NOT EXISTS by_tenant ON entries (tenant, seq);
             CREATE INDEX IF NOT EXISTS by_correlation ON entries (correlation, seq);",
        )?;
        Ok(Sqlite(connection))
    }
}

impl Table for Sqlite {
    fn insert(&mut self, rows: &[Row]) -> Fallible<()> {
        let transaction = self.0.transaction()?;
        {
            let mut insert = transaction
                .prepare_cached("INSERT INTO entries VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
            for Row {
                seq,
                hash,
                signature,
                entry,
            } in rows
            {
                let Entry {
                    tenant,
                    correlation,
                    text,
                } = entry;
                insert.execute(params![seq, hash, signature, tenant, correlation, text])?;
            }
        }
        Ok(transaction.commit()?)
    }

    fn last(&mut self) -> Fallible<(i64, Vec<u8>)> {
        let last = "SELECT seq, hash FROM entries ORDER BY seq DESC LIMIT 1";
        let row = self
            .0
            .query_row(last, [], |row| Ok((row.get(0)?, row.get(1)?)));
        match row {
            Err(rusqlite::Error::QueryReturnedNoRows) => Ok((0, Vec::new())),
            row => Ok(row?),
        }
    }

    fn scan(
        &mut self,
        group: usize,
        take: &mut dyn FnMut(Vec<Row>) -> Fallible<()>,
    ) -> Fallible<()> {
        let mut select = self
            .0
            .prepare("SELECT seq, hash, signature, text FROM entries ORDER BY seq")?;
        let mut rows = select.query([])?;
        let mut read = Vec::new();
        while let Some(row) = rows.next()? {
            read.push(scanned(row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?));
            if read.len() == group {
                take(std::mem::take(&mut read))?;
            }
        }
        take(read)
    }

    fn newest(&mut self, tenant: &str) -> Fallible<usize> {
        let mut select = self.0.prepare_cached(
            "SELECT seq, hash, signature, text FROM entries WHERE tenant = ?1
             ORDER BY seq DESC LIMIT 10",
        )?;
        let row = |row: &rusqlite::Row<'_>| {
            Ok(scanned(row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        };
        let rows: Result<Vec<_>, _> = select.query_map([tenant], row)?.collect();
        Ok(rows?.len())
    }
}

fn scanned(seq: i64, hash: Vec<u8>, signature: Vec<u8>, text: String) -> Row {
    let (tenant, correlation) = (String::new(), String::new());
    Row {
        seq,
        hash,
        signature,
        entry: Entry {
            tenant,
            correlation,
            text,
        },
    }
}

struct Postgres {
    client: Client,
    insert: Statement,
    newest: Statement,
}

impl Postgres {
    fn open(parameters: &str) -> Fallible<Postgres> {
        let mut client = Client::connect(parameters, NoTls)?;
        client.batch_execute(
            "SET client_min_messages = warning;
             CREATE TABLE IF NOT EXISTS entries (seq BIGINT PRIMARY KEY, hash BYTEA NOT NULL,
                 signature BYTEA, tenant TEXT, correlation TEXT, text TEXT NOT NULL);
             CREATE UNIQUE INDEX IF NOT EXISTS by_hash ON entries (hash);
             CREATE INDEX IF NOT EXISTS by_tenant ON entries (tenant, seq);
             CREATE INDEX IF NOT EXISTS by_correlation ON entries (correlation, seq);",
        )?;
        let insert = client.prepare(
            "INSERT INTO entries SELECT * FROM unnest($1::bigint[], $2::bytea[], $3::bytea[],
                 $4::text[], $5::text[], $6::text[])",
        )?;
        let newest = client.prepare(
            "SELECT seq, hash, signature, text FROM entries WHERE tenant = $1
             ORDER BY seq DESC LIMIT 10",
        )?;
        Ok(Postgres {
            client,
            insert,
            newest,
        })
    }
}

fn of_postgres(row: &postgres::Row) -> Row {
    scanned(row.get(0), row.get(1), row.get(2), row.get(3))
}

impl Table for Postgres {
    fn insert(&mut self, rows: &[Row]) -> Fallible<()> {
        let bytes = |of: fn(&Row) -> &[u8]| rows.iter().map(of).collect::<Vec<_>>();
        let texts = |of: fn(&Row) -> &str| rows.iter().map(of).collect::<Vec<_>>();
        let seqs: Vec<i64> = rows.iter().map(|row| row.seq).collect();
        // One statement is one transaction.
        self.client.execute(
            &self.insert,
            &[
                &seqs,
                &bytes(|row| &row.hash),
                &bytes(|row| &row.signature),
                &texts(|row| &row.entry.tenant),
                &texts(|row| &row.entry.correlation),
                &texts(|row| &row.entry.text),
            ],
        )?;
        Ok(())
    }

    fn last(&mut self) -> Fallible<(i64, Vec<u8>)> {
        let last = "SELECT seq, hash FROM entries ORDER BY seq DESC LIMIT 1";
        let row = self.client.query_opt(last, &[])?;
        Ok(row.map_or((0, Vec::new()), |row| (row.get(0), row.get(1))))
    }

    fn scan(
        &mut self,
        group: usize,
        take: &mut dyn FnMut(Vec<Row>) -> Fallible<()>,
    ) -> Fallible<()> {
        let select = "SELECT seq, hash, signature, text FROM entries ORDER BY seq";
        let mut transaction = self.client.transaction()?;
        let portal = transaction.bind(select, &[])?;
        loop {
            let rows = transaction.query_portal(&portal, i32::try_from(group)?)?;
            if rows.is_empty() {
                return Ok(());
            }
            take(rows.iter().map(of_postgres).collect())?;
        }
    }

    fn newest(&mut self, tenant: &str) -> Fallible<usize> {
        let rows = self.client.query(&self.newest, &[&tenant])?;
        Ok(rows.iter().map(of_postgres).count())
    }
}
