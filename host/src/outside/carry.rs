//! Bytes both ways between the host and the world. Never looks at them.

use futures_util::future::{Either, select};
use std::future::Future;
use std::io::ErrorKind;
use std::pin::pin;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, DuplexStream, copy, split};

/// Carries bytes until both sides have ended, or one has broken.
///
/// A world that listens no more may still have spoken: what it said reaches the host although the
/// host's next words find nobody.
pub(super) async fn carry<S: AsyncRead + AsyncWrite>(host: S, world: DuplexStream) {
    let (mut host_says, mut host_hears) = split(host);
    let (mut world_says, mut world_hears) = split(world);
    let inward = pin!(async {
        let carried = copy(&mut host_says, &mut world_hears).await;
        // Whoever has gone needs no goodbye.
        let _ = world_hears.shutdown().await;
        carried
    });
    let outward = pin!(async {
        let carried = copy(&mut world_says, &mut host_hears).await;
        let _ = host_hears.shutdown().await;
        carried
    });
    finish(select(inward, outward).await).await;
}

/// Lets the other direction come to its end, unless the connection itself has broken.
async fn finish<A, B>(first: Either<(std::io::Result<u64>, B), (std::io::Result<u64>, A)>)
where
    A: Future<Output = std::io::Result<u64>>,
    B: Future<Output = std::io::Result<u64>>,
{
    // Either way there is nobody left to tell.
    match first {
        Either::Left((Err(cause), _)) if cause.kind() != ErrorKind::BrokenPipe => {}
        Either::Left((_, outward)) => drop(outward.await),
        Either::Right((Err(_), _)) => {}
        Either::Right((Ok(_), inward)) => drop(inward.await),
    }
}

#[cfg(test)]
mod tests {
    use super::carry;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    #[tokio::test]
    async fn what_the_world_said_last_arrives_although_it_listens_no_more() {
        let (mut client, host) = duplex(64);
        let (near, mut far) = duplex(64);
        far.write_all(b"said").await.expect("there is room");
        drop(far);
        client.write_all(b"late").await.expect("there is room");
        let carrying = tokio::spawn(carry(host, near));
        let mut heard = [0; 4];
        client.read_exact(&mut heard).await.expect("it was said");
        assert_eq!(&heard, b"said");
        drop(client);
        carrying.await.expect("it ends");
    }

    #[tokio::test]
    async fn an_end_on_one_side_leaves_the_other_open() {
        let (mut client, host) = duplex(64);
        let (near, mut far) = duplex(64);
        let carrying = tokio::spawn(carry(host, near));
        client.write_all(b"ask").await.expect("there is room");
        client.shutdown().await.expect("it is open");
        let mut asked = String::new();
        far.read_to_string(&mut asked).await.expect("it was asked");
        assert_eq!(asked, "ask");
        far.write_all(b"answer").await.expect("there is room");
        drop(far);
        let mut heard = String::new();
        client.read_to_string(&mut heard).await.expect("answered");
        assert_eq!(heard, "answer");
        carrying.await.expect("it ends");
    }
}
