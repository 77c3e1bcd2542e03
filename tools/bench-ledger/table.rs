//! The runs put together: figures, and ratios beside what is wanted.

use crate::Fallible;

/// A ratio of two figures of the same run.
struct Ratio {
    name: &'static str,
    of: &'static str,
    to: &'static str,
    /// The bound is one core's, to be multiplied by the cores.
    all_cores: bool,
    wanted: f64,
}

const RATIOS: [Ratio; 13] = [
    Ratio {
        name: "bulk append / sign, all cores",
        of: "bulk append",
        to: "bound: sign, one core",
        all_cores: true,
        wanted: 0.8,
    },
    Ratio {
        name: "64 threads / RocksDB, 64 threads",
        of: "64 threads, one at a time",
        to: "peer: RocksDB synced, 64 threads",
        all_cores: false,
        wanted: 1.0,
    },
    Ratio {
        name: "one thread / fdatasync each",
        of: "one thread, one at a time",
        to: "bound: write and fdatasync each",
        all_cores: false,
        wanted: 0.9,
    },
    Ratio {
        name: "verify ledger / verify_strict, all cores",
        of: "verify ledger",
        to: "bound: verify_strict, one core",
        all_cores: true,
        wanted: 3.5,
    },
    Ratio {
        name: "audit / BLAKE2b, one core",
        of: "audit without signatures",
        to: "bound: BLAKE2b of records, one core",
        all_cores: false,
        wanted: 0.5,
    },
    Ratio {
        name: "audit / BLAKE2b, all cores",
        of: "audit without signatures",
        to: "bound: BLAKE2b of records, one core",
        all_cores: true,
        wanted: 0.5,
    },
    Ratio {
        name: "memory, a tenth published / all",
        of: "publish a tenth of them, memory",
        to: "publish, memory",
        all_cores: false,
        wanted: 0.8,
    },
    Ratio {
        name: "decide --record / both steps",
        of: "decide --record",
        to: "bound: decide, then append",
        all_cores: false,
        wanted: 0.9,
    },
    Ratio {
        name: "/route / both steps",
        of: "/route",
        to: "bound: decide, then /v1/entries",
        all_cores: false,
        wanted: 0.9,
    },
    Ratio {
        name: "replay / both steps",
        of: "replay",
        to: "bound: decide, then verify",
        all_cores: false,
        wanted: 0.8,
    },
    Ratio {
        name: "decide --record / both steps, Rego",
        of: "decide --record, Rego",
        to: "bound: decide, then append, Rego",
        all_cores: false,
        wanted: 0.9,
    },
    Ratio {
        name: "/route / both steps, Rego",
        of: "/route, Rego",
        to: "bound: decide, then /v1/entries, Rego",
        all_cores: false,
        wanted: 0.9,
    },
    Ratio {
        name: "replay / both steps, Rego",
        of: "replay, Rego",
        to: "bound: decide, then verify, Rego",
        all_cores: false,
        wanted: 0.8,
    },
];

/// Figures by name, in the order of their first appearance, a value a run.
#[derive(Default)]
pub(crate) struct Table {
    rows: Vec<(String, String, Vec<f64>)>,
}

impl Table {
    /// Takes what a measure printed.
    pub(crate) fn take(&mut self, printed: &str) -> Fallible<()> {
        for line in printed.lines() {
            let mut parts = line.split('\t');
            let (Some(name), Some(unit), Some(value)) = (parts.next(), parts.next(), parts.next())
            else {
                return Err(format!("not a figure: {line}").into());
            };
            let value = value.parse()?;
            match self.rows.iter_mut().find(|(known, ..)| known == name) {
                Some((.., values)) => values.push(value),
                None => self
                    .rows
                    .push((name.to_owned(), unit.to_owned(), vec![value])),
            }
        }
        Ok(())
    }

    /// The median of a figure.
    pub(crate) fn median(&self, name: &str) -> Option<f64> {
        let values = self.values(name);
        (!values.is_empty()).then(|| spread(values).1)
    }

    pub(crate) fn print(&self, cores: f64) {
        println!("{cores} cores\n");
        println!("{:<42}{:>11}{:>11}{:>11}  unit", "", "min", "median", "max");
        for (name, unit, values) in &self.rows {
            print_row(name, unit, values);
        }
        println!(
            "\n{:<42}{:>11}{:>11}{:>11}  wanted",
            "ratio, run by run", "min", "median", "max"
        );
        for ratio in RATIOS {
            let cores = if ratio.all_cores { cores } else { 1.0 };
            // Run by run, so that a machine whose speed drifts does not lie.
            let pairs = self.values(ratio.of).iter().zip(self.values(ratio.to));
            let ratios: Vec<f64> = pairs.map(|(of, to)| of / (to * cores)).collect();
            if ratios.is_empty() {
                continue;
            }
            print_row(ratio.name, &format!("≥ {}", ratio.wanted), &ratios);
        }
        println!();
    }

    fn values(&self, name: &str) -> &[f64] {
        let row = self.rows.iter().find(|(known, ..)| known == name);
        row.map_or(&[], |(.., values)| values)
    }
}

fn print_row(name: &str, unit: &str, values: &[f64]) {
    let (low, middle, high) = spread(values);
    println!("{name:<42}{low:>11.2}{middle:>11.2}{high:>11.2}  {unit}");
}

/// Least, middle and greatest.
fn spread(values: &[f64]) -> (f64, f64, f64) {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |n: usize| sorted.get(n).copied().unwrap_or(f64::NAN);
    (
        at(0),
        at(sorted.len() / 2),
        at(sorted.len().saturating_sub(1)),
    )
}
