//! How cost grows as the work grows: one ledger a size, as a table and a plot.

use std::path::PathBuf;

use crate::plot::{Curve, plot};
use crate::table::Table;
use crate::{Fallible, child};

/// What is compared across sizes.
const FIGURES: [&str; 7] = [
    "bulk append",
    "verify ledger",
    "audit without signatures",
    "proof, warm",
    "query by correlation id, on average",
    "open for writing",
    "disk beside payload, an entry",
];

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
        for measure in ["append", "open", "proof", "query", "verify", "audit"] {
            table.take(&child(measure, folder.path(), *size)?)?;
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
