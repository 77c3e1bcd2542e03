//! How RocksDB is told to work, and why. What is not set here is its default.

use std::path::Path;
use std::thread;

use rocksdb::{
    BlockBasedIndexType, BlockBasedOptions, Cache, ColumnFamilyDescriptor, DB, DBCompactionStyle,
    DBCompressionType, DBRecoveryMode, Error, InfoLogger, LogLevel, Options, ReadOptions,
    SliceTransform, WriteOptions,
};

use rustix::process::{Resource, getrlimit};

use super::tables::RocksTable;
use crate::store::term::TermKey;

const MIB: usize = 1 << 20;

/// Bytes of rows that a table has in memory at most, but for what is being written out.
pub(super) const LARGEST_MEMTABLE: usize = 64 * MIB;

/// Blocks of all tables, uncompressed. Proofs and queries touch a handful each;
/// scans do not fill it.
const BLOCK_CACHE_BYTES: usize = 64 * MIB;

/// Bits of a Bloom filter a key: one lookup in a hundred reads a block in vain.
const BLOOM_BITS: f64 = 10.0;

/// Bytes that are read ahead where a whole table is read. By itself RocksDB stops at
/// 256 KiB, which makes the verification of a ledger that is not in memory wait for
/// the disk: 8 MiB are 7 % faster there, and more are not.
pub(super) const READ_AHEAD: usize = 8 * MIB;

/// Tables that may be open, whatever the limit of the process. RocksDB takes no less.
const LEAST_OPEN: u64 = 20;

/// Tables that are held open at most: of 128 MiB each, all of 512 GiB.
const MOST_OPEN: u64 = 4_096;

pub(super) fn create(path: &Path) -> Result<DB, Error> {
    let mut options = for_writing();
    options.create_if_missing(true);
    options.create_missing_column_families(true);
    options.set_error_if_exists(true);
    DB::open_cf_descriptors(&options, path, tables())
}

/// Opens a database. It must exist, with all its tables.
pub(super) fn open(path: &Path) -> Result<DB, Error> {
    DB::open_cf_descriptors(&for_writing(), path, tables())
}

/// Opens a database without writing a byte. What the write-ahead log holds is
/// replayed into memory.
pub(super) fn open_read_only(path: &Path) -> Result<DB, Error> {
    DB::open_cf_descriptors_read_only(&for_reading(), path, tables(), false)
}

/// Opens a database that another process may be writing, as it is now. What
/// RocksDB must keep of its own goes to `scratch`.
pub(super) fn open_beside(path: &Path, scratch: &Path) -> Result<DB, Error> {
    let mut options = for_reading();
    // The writer removes files under this reader, which must have them open by then.
    options.set_max_open_files(-1);
    DB::open_cf_descriptors_as_secondary(&options, path, scratch, tables())
}

/// Opens the one table that databases of every format have.
pub(super) fn open_default_table(path: &Path) -> Result<DB, Error> {
    DB::open_for_read_only(&for_reading(), path, false)
}

pub(super) fn list_tables(path: &Path) -> Result<Vec<String>, Error> {
    DB::list_cf(&for_reading(), path)
}

fn for_reading() -> Options {
    let mut options = for_database();
    // RocksDB's own log would be a file in a directory that is only read.
    options.set_info_logger(InfoLogger::new_callback_logger(LogLevel::Fatal, |_, _| ()));
    options
}

fn for_writing() -> Options {
    let mut options = for_database();
    // RocksDB's own log is for the repair of a broken machine: little of
    // it, and not for ever.
    options.set_log_level(LogLevel::Warn);
    options.set_max_log_file_size(MIB);
    options.set_keep_log_file_num(3);
    options
}

fn for_database() -> Options {
    let mut options = Options::default();

    // A cut-off record at the end of the write-ahead log is what a crash leaves
    // of a write that was never acknowledged; anything else that does not read
    // is damage, and an error. The default (point in time) would take damage
    // for an end and silently drop every acknowledged entry behind it. Recycled
    // logs would blur the difference, so there are none.
    options.set_wal_recovery_mode(DBRecoveryMode::TolerateCorruptedTailRecords);
    options.set_recycle_log_file_num(0);
    // Finished logs are noted in the manifest: one that is lost or cut is an
    // error at the next opening.
    options.set_track_and_verify_wals_in_manifest(true);
    // Both are defaults; a ledger depends on them.
    options.set_paranoid_checks(true);
    options.set_use_fsync(false);

    // What a crash leaves to replay: a second's work or two. Small tables that
    // hardly ever fill a memtable would otherwise hold on to every log.
    options.set_max_total_wal_size(256 * MIB as u64);
    // Those used last stay open. Half of what the process may open: connections,
    // and the files of a merge, need descriptors too.
    options.set_max_open_files(open_files());
    // It would read a block of every file to guide compaction by statistics
    // that an append-only table has no use for.
    options.set_skip_stats_update_on_db_open(true);
    // Sixteen threads for each table at every opening are most of what one append costs a
    // process that does nothing else. Only some files are opened before they are asked for.
    options.set_max_file_opening_threads(1);
    // Flushes and compactions run beside signing, so not on every core of a
    // large machine.
    let cores = thread::available_parallelism().map_or(2, |n| n.get().clamp(2, 4));
    options.set_max_background_jobs(i32::try_from(cores).unwrap_or(2));
    // Written out as they are made, and not all at the end, when a commit's
    // sync would wait for them.
    options.set_bytes_per_sync(MIB as u64);
    // Statistics that nobody reads.
    options.set_stats_dump_period_sec(0);
    options.set_stats_persist_period_sec(0);
    options
}

/// How many tables may be open at a time.
fn open_files() -> i32 {
    let limit = getrlimit(Resource::Nofile).current;
    let half = limit.map_or(MOST_OPEN, |limit| (limit / 2).clamp(LEAST_OPEN, MOST_OPEN));
    i32::try_from(half).unwrap_or(i32::MAX)
}

fn tables() -> Vec<ColumnFamilyDescriptor> {
    let cache = Cache::new_lru_cache(BLOCK_CACHE_BYTES);
    let describe =
        |table: RocksTable| ColumnFamilyDescriptor::new(table.name(), for_table(table, &cache));
    RocksTable::ALL.into_iter().map(describe).collect()
}

fn for_table(table: RocksTable, cache: &Cache) -> Options {
    let mut options = Options::default();
    let mut blocks = BlockBasedOptions::default();
    blocks.set_block_cache(cache);
    // Indexes and filters grow with the log, memory must not: they are read and
    // forgotten as other blocks are, in pieces, and only the way to the pieces
    // of a file stays.
    blocks.set_cache_index_and_filter_blocks(true);
    blocks.set_index_type(BlockBasedIndexType::TwoLevelIndexSearch);
    blocks.set_partition_filters(true);
    blocks.set_metadata_block_size(4 << 10);
    blocks.set_pin_top_level_index_and_filter(true);
    blocks.set_pin_l0_filter_and_index_blocks_in_cache(true);
    match table {
        RocksTable::Entries => {
            // Keys only grow, so compaction moves files down without rewriting
            // them, as long as no level asks for another compression: zstd on
            // the last one would make every entry be written twice, and a third
            // of a small entry, its signature and hash, does not compress.
            options.set_compression_type(DBCompressionType::Lz4);
            options.set_write_buffer_size(LARGEST_MEMTABLE);
            options.set_max_write_buffer_number(3);
            options.set_target_file_size_base(128 * MIB as u64);
            // Some thirty entries: enough for lz4 to find what they share, and
            // few to walk over in memory.
            blocks.set_block_size(16 << 10);
            blocks.set_block_restart_interval(4);
        }
        RocksTable::Hashes => {
            // Random bytes: nothing to compress, and a filter to find the one
            // file that may have a key.
            options.set_compression_type(DBCompressionType::None);
            options.set_write_buffer_size(32 * MIB);
            blocks.set_bloom_filter(BLOOM_BITS, false);
        }
        RocksTable::Tiles => {
            // Hashes again. A block holds seven tiles; a path needs one of each
            // level, so larger blocks would only be read in vain. Each key
            // stands for itself, so that the tiles before are not walked over.
            options.set_compression_type(DBCompressionType::None);
            options.set_write_buffer_size(16 * MIB);
            blocks.set_block_restart_interval(1);
            // A fifth of a byte an entry: in one piece, for a path reads five
            // or six tiles.
            blocks.set_index_type(BlockBasedIndexType::BinarySearch);
        }
        RocksTable::Index => {
            // Read by term only: the filters are over terms, in the memtable
            // too, and a correlation id that occurs ten times among ten million
            // entries is sought in the files that have it.
            options.set_prefix_extractor(SliceTransform::create_fixed_prefix(TermKey::BYTES));
            options.set_memtable_prefix_bloom_ratio(0.1);
            blocks.set_bloom_filter(BLOOM_BITS, false);
            blocks.set_whole_key_filtering(false);
            // Postings of a frequent term differ in their last bytes only.
            options.set_compression_type(DBCompressionType::Lz4);
            blocks.set_block_size(16 << 10);
            // Not in the write-ahead log, so a crash loses what was not flushed:
            // kept small enough to be indexed again within a second.
            options.set_write_buffer_size(16 * MIB);
        }
        RocksTable::Imports => {
            // Written once, a file at a time, and read by who asks for it. Most
            // lookups are of what is not there: is this entry known already?
            blocks.set_bloom_filter(BLOOM_BITS, false);
            options.set_compression_type(DBCompressionType::Lz4);
            options.set_write_buffer_size(32 * MIB);
            options.set_target_file_size_base(128 * MIB as u64);
            blocks.set_block_size(16 << 10);
        }
        RocksTable::Meta => {
            // Notes above all: each is sought under every hour of a day, of
            // which it is under one at most.
            blocks.set_bloom_filter(BLOOM_BITS, false);
            options.set_compression_type(DBCompressionType::Lz4);
            options.set_write_buffer_size(4 * MIB);
        }
        RocksTable::Epochs | RocksTable::EpochEnds => {
            options.set_compression_type(DBCompressionType::Lz4);
            options.set_write_buffer_size(4 * MIB);
        }
    }
    if table.overlaps() {
        // Rows go everywhere among those that are there: a few new ones are merged
        // with files of their size, and not with the whole table.
        options.set_compaction_style(DBCompactionStyle::Universal);
    }
    options.set_block_based_table_factory(&blocks);
    options
}

/// For what is acknowledged: the log is on the disk before the write returns.
pub(super) fn synced() -> WriteOptions {
    let mut options = WriteOptions::default();
    options.set_sync(true);
    options
}

/// For the index: not in the log at all. Postings and the mark that says how
/// far they reach are in one memtable and flushed together, so after a crash the
/// index is as it was at its last flush, and half the log is saved.
pub(super) fn unlogged() -> WriteOptions {
    let mut options = WriteOptions::default();
    options.disable_wal(true);
    options
}

/// For single keys. Checksums are verified on every read from the disk.
pub(super) fn reading() -> ReadOptions {
    let mut options = ReadOptions::default();
    options.set_verify_checksums(true);
    options
}

/// For rows in order. A scan of the whole ledger leaves the cache to the others.
pub(super) fn scanning() -> ReadOptions {
    let mut options = reading();
    options.fill_cache(false);
    options
}

/// For all rows of a table, whatever their prefixes.
pub(super) fn scrubbing() -> ReadOptions {
    let mut options = scanning();
    options.set_total_order_seek(true);
    options
}

pub(super) fn seeking() -> ReadOptions {
    let mut options = reading();
    options.set_prefix_same_as_start(true);
    options
}
