//! Listening sockets, and the threads that take their connections.

use super::{Host, Shared, connection};
use std::net::{Ipv4Addr, Ipv6Addr, TcpListener};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError};

/// Listens on one port of `localhost`, under both of its addresses where there are two.
///
/// Clients try `::1` first. On Windows a refused attempt takes seconds, and on any system another program may listen
/// there.
pub(super) fn bind_localhost() -> (TcpListener, Option<TcpListener>) {
    let has_v6 = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok();
    loop {
        let v4 = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free loopback port");
        if !has_v6 {
            return (v4, None);
        }
        let port = v4.local_addr().expect("a bound socket has an address").port();
        if let Ok(v6) = TcpListener::bind((Ipv6Addr::LOCALHOST, port)) {
            return (v4, Some(v6));
        }
    }
}

/// Serves each connection on a thread of its own, until the server stops.
pub(super) fn accept(listener: &TcpListener, host: Host, shared: &Arc<Shared>) {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    for stream in listener.incoming() {
        if shared.state().stopping {
            return;
        }
        let Ok(stream) = stream else { continue };
        let Ok(handle) = stream.try_clone() else { continue };
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        shared.open().insert(id, handle);
        let of_worker = Arc::clone(shared);
        let worker = std::thread::spawn(move || connection::serve(stream, id, host, &of_worker));
        shared.workers.lock().unwrap_or_else(PoisonError::into_inner).push(worker);
    }
}
