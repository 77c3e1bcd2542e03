//! How cost grows as the work grows: one ledger a size, as a table and a plot. Tenants and
//! epochs grow with it.

use std::path::PathBuf;

use crate::plot::{Curve, plot};
use crate::table::Table;
use crate::{Fallible, child_with};

/// What is compared across sizes.
const FIGURES: [&str; 12] = [
    "bulk append",
    "append and index, peak memory",
    "seal, on average",
    "verify ledger",
    "verify ledger, peak memory",
    "audit without signatures",
    "proof, cold",
    "proof, warm",
    "query by correlation id, on average",
    "newest ten of a tenant",
    "open for writing",
    "disk beside payload, an entry",
];

/// Entries of a tenant: a million tenants among five million entries.
const OF_A_TENANT: u64 = 5;

/// Entries of an epoch: ten thousand epochs of five million.
const OF_AN_EPOCH: u64 = 512;

pub(crate) fn report(sizes: &[u64]) -> Fallible<()> {
    let mut curves: Vec<Curve> = FIGURES.map(Curve::new).into();
    print!("{:<38}", "entries");
    for size in sizes {
        print!("{size:>12}");
    }
    println!();
    for size in sizes {
        let folder = tempfile::tempdir()?;
        let mut table = Table::default();
        let told = [
            ("BENCH_TENANTS", (size / OF_A_TENANT).max(1).to_string()),
            ("BENCH_EPOCH_ENTRIES", OF_AN_EPOCH.to_string()),
        ];
        for measure in ["append", "open", "proof", "query", "verify", "audit"] {
            table.take(&child_with(measure, folder.path(), *size, &told)?)?;
        }
        for curve in &mut curves {
            let value = table.median(curve.name).unwrap_or(f64::NAN);
            curve.points.push((*size as f64, value));
        }
    }
    for curve in &curves {
        print!("{:<38}", curve.name);
        for (_, value) in &curve.points {
            print!("{value:>12.3}");
        }
        println!();
    }
    let path = target()?.join("growth.svg");
    std::fs::write(&path, plot(&curves))?;
    println!("plot: {}", path.display());
    Ok(())
}

/// The target folder: three up from `target/release/examples/bench`.
fn target() -> Fallible<PathBuf> {
    let own = std::env::current_exe()?;
    let folder = own.ancestors().nth(3).ok_or("no target folder")?;
    Ok(folder.to_owned())
}
