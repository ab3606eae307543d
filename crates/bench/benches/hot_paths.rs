//! How long the hot paths take, a body of ten conversations of ten messages each time.

#![allow(
    clippy::unwrap_used,
    missing_docs,
    reason = "a benchmark that fails ends"
)]

use convosync_bench::bodies::body;
use convosync_bench::hot_paths::{BatchWrite, SHAPE, changes, merge_new, parse, skim};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};

fn hot_paths(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("hot_paths");
    let messages = SHAPE.messages_a_body().try_into().unwrap();
    group.throughput(Throughput::Elements(messages));

    let text = body(SHAPE, 1);
    let texts = || text.clone();
    group.bench_function("parse", |bencher| {
        bencher.iter_batched(texts, |text| parse(text).unwrap(), BatchSize::LargeInput);
    });
    group.bench_function("skim", |bencher| {
        bencher.iter_batched(texts, |text| skim(text).unwrap(), BatchSize::LargeInput);
    });

    let posted = parse(text.clone()).unwrap();
    let posts = || posted.clone();
    group.bench_function("merge", |bencher| {
        bencher.iter_batched(
            posts,
            |posted| merge_new(posted).unwrap(),
            BatchSize::LargeInput,
        );
    });

    let mut write = BatchWrite::new().unwrap();
    let mut numbers = 1..;
    let mut new = || changes(numbers.next().unwrap()).unwrap();
    group.bench_function("batch_write", |bencher| {
        bencher.iter_batched(
            &mut new,
            |new| write.commit(new).unwrap(),
            BatchSize::LargeInput,
        );
    });
    group.finish();
}

criterion_group!(benches, hot_paths);
criterion_main!(benches);
