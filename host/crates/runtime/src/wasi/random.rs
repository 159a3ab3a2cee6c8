//! `wasi:random`: a stream of the world's seed for each process. Never the host's entropy.

use super::Guest;
use super::bindings::wasi::random::{insecure, insecure_seed, random};
use clock::Stream;
use rand::Rng;
use wasmtime::Result;

/// How many random bytes one call may ask for.
const BYTES_MAX: u64 = 1 << 20;

impl Guest {
    /// This process's chance; made when it is first needed, since most processes never do.
    pub(super) fn chance(&mut self) -> &mut Stream {
        self.chance.get_or_insert_with(|| {
            let container = &self.container;
            let name = format!(
                "{}/{}/{}",
                container.spec.name, container.id.0, self.process.pid
            );
            self.kernel.seed.stream(&name)
        })
    }

    pub(super) fn random_bytes(&mut self, count: u64) -> Vec<u8> {
        let count = usize::try_from(count.min(BYTES_MAX)).expect("at most 1 MiB");
        let mut bytes = vec![0; count];
        self.chance().fill_bytes(&mut bytes);
        bytes
    }

    fn random_len(&mut self, count: u64) -> Result<Vec<u8>> {
        wasmtime::ensure!(
            count <= BYTES_MAX,
            "more than 1 MiB of random bytes at once"
        );
        Ok(self.random_bytes(count))
    }
}

impl random::Host for Guest {
    fn get_random_bytes(&mut self, count: u64) -> Result<Vec<u8>> {
        self.random_len(count)
    }

    fn get_random_u64(&mut self) -> Result<u64> {
        Ok(self.chance().next_u64())
    }
}

impl insecure::Host for Guest {
    fn get_insecure_random_bytes(&mut self, count: u64) -> Result<Vec<u8>> {
        self.random_len(count)
    }

    fn get_insecure_random_u64(&mut self) -> Result<u64> {
        Ok(self.chance().next_u64())
    }
}

impl insecure_seed::Host for Guest {
    fn insecure_seed(&mut self) -> Result<(u64, u64)> {
        Ok((self.chance().next_u64(), self.chance().next_u64()))
    }
}
