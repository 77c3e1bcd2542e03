//! Writes the reference vectors as files that the command line takes.
//!
//! Every logbook becomes `NAME.jsonl`, its key `NAME.key`, and its expected
//! first fault `NAME.expect` (`none`, or code and index). The kinds and
//! payloads of the reference entries become `entries.append`, one a line.

use std::error::Error;
use std::fs;
use std::path::Path;

use serde_json::Value;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let (Some(vectors), Some(folder)) = (arguments.next(), arguments.next()) else {
        return Err("usage: logbook-vectors VECTORS FOLDER".into());
    };
    let (vectors, folder) = (Path::new(&vectors), Path::new(&folder));
    fs::create_dir_all(folder)?;
    write_entries(
        &vectors.join("entries.jsonl"),
        &folder.join("entries.append"),
    )?;
    for line in fs::read_to_string(vectors.join("logbooks.jsonl"))?.lines() {
        let case: Value = serde_json::from_str(line)?;
        let text = |name: &str| case.get(name).and_then(Value::as_str).unwrap_or_default();
        let name = folder.join(text("id"));
        let lines = case.get("lines").and_then(Value::as_array);
        let lines = lines.into_iter().flatten().filter_map(Value::as_str);
        let book: String = lines.map(|line| format!("{line}\n")).collect();
        let expect = case.get("expect").cloned().unwrap_or_default();
        let expected = match expect.get("first_fault").and_then(Value::as_str) {
            Some(code) => format!(
                "{code} {}\n",
                expect.get("first_fault_index").unwrap_or(&Value::Null)
            ),
            None => "none\n".to_owned(),
        };
        fs::write(name.with_extension("jsonl"), book)?;
        fs::write(name.with_extension("key"), text("public_key"))?;
        fs::write(name.with_extension("expect"), expected)?;
    }
    Ok(())
}

fn write_entries(vectors: &Path, target: &Path) -> Result<(), Box<dyn Error>> {
    let mut lines = String::new();
    for line in fs::read_to_string(vectors)?.lines() {
        let case: Value = serde_json::from_str(line)?;
        let kind = case.get("kind").cloned().unwrap_or_default();
        // The payload's own text, so that no number loses its digits; line
        // breaks in JSON can only be white space.
        let payload = case.get("payload_json").and_then(Value::as_str);
        let payload = payload.unwrap_or("{}").replace('\n', " ");
        lines.push_str(&format!("{{\"kind\":{kind},\"payload\":{payload}}}\n"));
    }
    fs::write(target, lines)?;
    Ok(())
}
