//! 64 clients with one entry a request, durable before it is answered, beside
//! the same clients and the same server with an answer that costs nothing; and
//! beside the same request refused for its kind, which shows how much of it is
//! reading and how much is recording.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::client::Client;
use crate::server::{Server, place, run as program};

const CLIENTS: usize = 64;
const ROUNDS: usize = 3;

struct Measured {
    per_second: f64,
    p50: Duration,
    p99: Duration,
}

pub(crate) fn run(seconds: u64) {
    let place = place();
    assert!(program(place.path(), &["init"]).status.success());
    let server = Server::start(place.path());
    println!("{CLIENTS} clients, {seconds} s a round, one request at a time each");
    println!("round  what           a second      p50       p99");
    let mut ratios = Vec::new();
    let mut worst = Duration::ZERO;
    for round in 1..=ROUNDS {
        let fixed = measure(&server, seconds, 200, |client, _| {
            client.get("/health").unwrap().0
        });
        show(round, "fixed 200", &fixed);
        let refused = measure(&server, seconds, 403, |client, n| {
            post(client, "hall.deploy", n)
        });
        show(round, "refused", &refused);
        let appended = measure(&server, seconds, 201, |client, n| post(client, "deploy", n));
        show(round, "append", &appended);
        ratios.push(appended.per_second / fixed.per_second);
        worst = worst.max(appended.p99);
    }
    ratios.sort_by(f64::total_cmp);
    let (least, middle, most) = (ratios[0], ratios[ROUNDS / 2], ratios[ROUNDS - 1]);
    println!("append / fixed: {least:.2} {middle:.2} {most:.2} (at least 0.50 is wanted)");
    println!("worst p99 of an append: {worst:.1?} (under 50 ms is wanted)");
    assert_eq!(server.stop(), Some(0));
    assert!(program(place.path(), &["verify"]).status.success());
}

fn post(client: &mut Client, kind: &str, n: u64) -> u16 {
    let body = format!(
        r#"{{"kind":"{kind}","payload":{{"tenant_id":"acme","n":{n},"version":"1.4.2"}}}}"#
    );
    client.post("/v1/entries", "", &body).unwrap().0
}

fn show(round: usize, what: &str, measured: &Measured) {
    let Measured {
        per_second,
        p50,
        p99,
    } = measured;
    println!("{round:<6} {what:<12} {per_second:>10.0} {p50:>9.2?} {p99:>9.2?}");
}

fn measure(
    server: &Server,
    seconds: u64,
    expected: u16,
    request: impl Fn(&mut Client, u64) -> u16 + Sync,
) -> Measured {
    let over = AtomicBool::new(false);
    let begun = Instant::now();
    let times: Vec<Duration> = std::thread::scope(|scope| {
        let client = || {
            let mut client = Client::connect(server.address).unwrap();
            let mut times = Vec::new();
            for n in 0.. {
                if over.load(Ordering::Relaxed) {
                    break;
                }
                let sent = Instant::now();
                let status = request(&mut client, n);
                assert_eq!(status, expected);
                times.push(sent.elapsed());
            }
            times
        };
        let threads: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(client)).collect();
        std::thread::sleep(Duration::from_secs(seconds));
        over.store(true, Ordering::Relaxed);
        let times = threads.into_iter().flat_map(|t| t.join().unwrap());
        times.collect()
    });
    let per_second = times.len() as f64 / begun.elapsed().as_secs_f64();
    let mut times = times;
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    Measured {
        per_second,
        p50: at(0.5),
        p99: at(0.99),
    }
}
