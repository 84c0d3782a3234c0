// SPDX-License-Identifier: GPL-2.0-or-later
// Rust: panics that end the program, generics, closures.
use std::hint::black_box;

#[inline(never)]
fn unwrap_nothing(nothing: Option<u32>) -> u32 {
    black_box(nothing.unwrap()) + 1
}

#[inline(never)]
fn unwrap_elsewhere(nothing: Option<u32>) -> u32 {
    black_box(nothing.unwrap()) + 1
}

#[inline(never)]
fn index(of: &[u32], at: usize) -> u32 {
    black_box(of[at]) + 1
}

#[inline(never)]
fn generic<T: Copy>(of: &[T], at: usize) -> T {
    let found = of[at];
    black_box(());
    found
}

#[inline(never)]
fn closure(of: &[u32]) -> u32 {
    let sum = of.iter().map(|n| unwrap_nothing(if *n > 2 { None } else { Some(*n) })).sum();
    black_box(sum)
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let way = args.get(1).map(String::as_str).unwrap_or("");
    let some = black_box(vec![1u32, 2, 3]);
    match way {
        "unwrap" => drop(unwrap_nothing(black_box(None))),
        "elsewhere" => drop(unwrap_elsewhere(black_box(None))),
        "index" => drop(index(&some, args.len() + 7)),
        "index-more" => drop(index(&some, args.len() + 700)),
        "generic-int" => drop(generic(&some, 10)),
        "generic-char" => drop(generic(&[b'a', b'b'], 10)),
        "closure" => drop(closure(&some)),
        _ => (),
    }
}
