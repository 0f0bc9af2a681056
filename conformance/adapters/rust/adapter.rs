// SPDX-License-Identifier: MIT
//! An adapter of pmkit grade. Put your own reader in the place of word().
use std::fs::File;
use std::io::{self, BufRead, ErrorKind, Write};
use std::os::unix::fs::FileExt;

/// The number behind a key of the question; None if there is no such key.
fn number(question: &str, key: &str) -> Option<u64> {
    let rest = question.split_once(&format!("\"{key}\":"))?.1.trim_start_matches('"');
    let digits = rest.split(['"', ',', '}']).next()?;
    match digits.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).ok(),
        None => digits.parse().ok(),
    }
}

/// A word of a file in the order of this machine.
fn word(path: &str, index: u64) -> io::Result<u64> {
    let mut bytes = [0; 8];
    File::open(path)?.read_exact_at(&mut bytes, index * 8)?;
    Ok(u64::from_ne_bytes(bytes))
}

fn name(error: &io::Error) -> &'static str {
    match (error.kind(), error.raw_os_error()) {
        (ErrorKind::UnexpectedEof, _) => "EOF",
        (_, Some(1)) => "EPERM",
        (_, Some(2)) => "ENOENT",
        (_, Some(3)) => "ESRCH",
        (_, Some(13)) => "EACCES",
        _ => "EIO",
    }
}

/// Bit 63 is present, bit 62 swap-like; a frame of 0 is a hidden one.
fn page(word: u64) -> String {
    let state = ["absent", "swapped", "present", "present"][(word >> 62) as usize];
    match word & ((1 << 55) - 1) {
        pfn if word >> 63 == 1 && pfn != 0 => format!("{{\"state\":\"{state}\",\"pfn\":{pfn}}}"),
        _ => format!("{{\"state\":\"{state}\"}}"),
    }
}

fn main() {
    println!("{{\"adapter\":\"rust\",\"page\":[\"state\",\"pfn\"],\"frame\":[\"flags\"]}}");
    for line in io::stdin().lock().lines().map_while(Result::ok) {
        let (pid, size) = (number(&line, "pid").unwrap_or(0), number(&line, "page_size").unwrap_or(4096));
        let answer = match (number(&line, "address"), number(&line, "pfn")) {
            (Some(address), _) => word(&format!("/proc/{pid}/pagemap"), address / size).map(page),
            (_, Some(pfn)) => word("/proc/kpageflags", pfn).map(|w| format!("{{\"flags\":\"{w:#x}\"}}")),
            _ => Ok("{\"skip\":\"unknown question\"}".to_string()),
        };
        println!("{}", answer.unwrap_or_else(|e| format!("{{\"error\":\"{}\"}}", name(&e))));
        io::stdout().flush().ok();
    }
}
