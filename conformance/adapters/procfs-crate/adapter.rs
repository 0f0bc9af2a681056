// SPDX-License-Identifier: MIT
//! The crate procfs as a consumer: what its PageMap says of a page, and of a range.
use procfs::process::{MemoryPageFlags, PageInfo, Process, SwapPageFlags};
use procfs::{ProcError, ProcResult};
use std::io::{self, BufRead, ErrorKind};

/// The number behind a key of the question; None if there is no such key.
fn number(question: &str, key: &str) -> Option<u64> {
    let rest = question.split_once(&format!("\"{key}\":"))?.1.trim_start_matches('"');
    let digits = rest.split(['"', ',', '}']).next()?;
    match digits.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).ok(),
        None => digits.parse().ok(),
    }
}

fn name(error: &ProcError) -> String {
    let text = match error {
        ProcError::PermissionDenied(_) => "EACCES",
        ProcError::NotFound(_) => "ENOENT",
        ProcError::Io(why, _) if why.kind() == ErrorKind::UnexpectedEof => "EOF",
        ProcError::Io(why, _) if why.raw_os_error() == Some(3) => "ESRCH",
        ProcError::Io(why, _) if why.raw_os_error() == Some(1) => "EPERM",
        _ => "EIO",
    };
    format!("{{\"error\":\"{text}\"}}")
}

/// An absent page is a memory page without the flag PRESENT.
fn page(info: &PageInfo) -> String {
    match info {
        PageInfo::MemoryPage(f) if !f.contains(MemoryPageFlags::PRESENT) => "{\"state\":\"absent\"}".to_string(),
        PageInfo::MemoryPage(f) => format!(
            "{{\"state\":\"present\",\"pfn\":{},\"soft-dirty\":{},\"exclusive\":{},\"file\":{}}}",
            f.get_page_frame_number(),
            f.contains(MemoryPageFlags::SOFT_DIRTY),
            f.contains(MemoryPageFlags::MMAP_EXCLUSIVE),
            f.contains(MemoryPageFlags::FILE)
        ),
        PageInfo::SwapPage(f) => format!(
            "{{\"state\":\"swapped\",\"swap-kind\":\"real\",\"soft-dirty\":{},\"exclusive\":{},\"file\":{}}}",
            f.contains(SwapPageFlags::SOFT_DIRTY),
            f.contains(SwapPageFlags::MMAP_EXCLUSIVE),
            f.contains(SwapPageFlags::FILE)
        ),
    }
}

fn pages(question: &str, start: u64, end: u64) -> ProcResult<Vec<String>> {
    let size = number(question, "page_size").unwrap_or(4096);
    let process = Process::new(number(question, "pid").unwrap_or(0) as i32)?;
    let infos = process.pagemap()?.get_range_info((start / size) as usize..end.div_ceil(size) as usize)?;
    Ok(infos.iter().map(page).collect())
}

fn main() {
    let fields = "\"state\",\"pfn\",\"soft-dirty\",\"exclusive\",\"file\",\"swap-kind\"";
    println!("{{\"adapter\":\"procfs crate\",\"page\":[{fields}],\"range\":[{fields}]}}");
    for line in io::stdin().lock().lines().map_while(Result::ok) {
        let address = number(&line, "address");
        let start = address.or(number(&line, "start")).unwrap_or(0);
        let end = number(&line, "end").unwrap_or(start + 1);
        match pages(&line, start, end) {
            Ok(found) if address.is_some() => println!("{}", found[0]),
            Ok(found) => println!("{{\"pages\":[{}]}}", found.join(",")),
            Err(error) => println!("{}", name(&error)),
        }
    }
}
