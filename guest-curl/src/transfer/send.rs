//! Sending a request: its head, and its body when the server wants it.

use std::io::Read;
use std::time::{Duration, Instant};

use super::{Answer, Transfer};
use crate::failure::Failure;
use crate::link::Link;
use crate::request::{self, Ask, Body};

/// How much of a body is read and sent at a time.
const BLOCK: usize = 64 * 1024;
/// Data up to here go together with the head.
const TOGETHER: u64 = 64 * 1024;
/// How long the server is waited for before a large body is sent anyway.
const EXPECT: Duration = Duration::from_secs(1);

impl Transfer<'_, '_> {
    /// Sends the request and reads the answer.
    pub(super) fn send(&mut self, link: &mut Link, ask: &Ask) -> Result<Answer, Failure> {
        let mut written = request::write(ask, self.operation)?;
        if self.state.no_expect && written.expects {
            written.text = written.text.replace("Expect: 100-continue\r\n", "");
            written.expects = false;
        }
        self.session.trace.head_out(written.text.as_bytes());
        self.report.size_request += written.text.len() as u64;
        let has_body = ask.body != Body::None && !ask.hold_body;
        let size = ask.body.size();
        self.progress.up_total = size.filter(|_| has_body).unwrap_or(0);
        if !has_body {
            self.pass(link, written.text.as_bytes())?;
            return self.answer(link, ask, None);
        }
        let together = matches!(ask.body, Body::Data(_))
            && !written.expects
            && size.is_some_and(|size| size < TOGETHER);
        if let (true, Body::Data(data)) = (together, &ask.body) {
            return self.send_together(link, ask, written.text.into_bytes(), data, written.chunked);
        }
        self.pass(link, written.text.as_bytes())?;
        if written.expects
            && let Some(answer) = self.wait_for_word(link, ask)?
        {
            return Ok(answer);
        }
        self.send_body(link, ask, written.chunked)?;
        self.answer(link, ask, None)
    }

    fn pass(&mut self, link: &mut Link, bytes: &[u8]) -> Result<(), Failure> {
        link.send(bytes, &self.deadline)
            .map_err(|stop| self.stopped(stop, "Send failure"))
    }

    fn send_together(
        &mut self,
        link: &mut Link,
        ask: &Ask,
        mut bytes: Vec<u8>,
        data: &[u8],
        chunked: bool,
    ) -> Result<Answer, Failure> {
        let start = bytes.len();
        if chunked {
            if !data.is_empty() {
                bytes.extend(format!("{:x}\r\n", data.len()).into_bytes());
                bytes.extend_from_slice(data);
                bytes.extend_from_slice(b"\r\n");
            }
            bytes.extend_from_slice(b"0\r\n\r\n");
        } else {
            bytes.extend_from_slice(data);
        }
        self.pass(link, &bytes)?;
        self.session.trace.data_out(&bytes[start..]);
        self.report.size_request += (bytes.len() - start) as u64;
        self.count((bytes.len() - start) as u64);
        self.answer(link, ask, None)
    }

    fn count(&mut self, bytes: u64) {
        self.state.sent += bytes;
        self.progress.up += bytes;
        self.report.size_upload += bytes;
    }

    /// Waits for `100 Continue`, but not for long; the answer, when the server has said its last word.
    fn wait_for_word(&mut self, link: &mut Link, ask: &Ask) -> Result<Option<Answer>, Failure> {
        let limit = self.operation.expect_timeout.unwrap_or(EXPECT);
        let begin = Instant::now();
        while link.unread.is_empty() {
            let left = limit.saturating_sub(begin.elapsed());
            if left.is_zero() {
                self.session.trace.info("Done waiting for 100-continue");
                return Ok(None);
            }
            match link.fill(&self.deadline, Some(left)) {
                Ok(Some(0)) => return Err(Failure::new(52, "Empty reply from server")),
                Ok(_) => {}
                Err(stop) => return Err(self.stopped(stop, "Recv failure")),
            }
        }
        let head = self.head(link, ask, true)?;
        if head.status == 100 {
            return Ok(None);
        }
        if head.status == 417 {
            self.session
                .trace
                .info("Got HTTP failure 417 while waiting for a 100");
            self.state.no_expect = true;
            self.state.ask_again = head.keeps_alive();
        } else {
            self.session
                .trace
                .info("HTTP error before end of send, stop sending");
        }
        let mut answer = self.answer(link, ask, Some(head))?;
        answer.stays = false;
        Ok(Some(answer))
    }

    fn send_body(&mut self, link: &mut Link, ask: &Ask, chunked: bool) -> Result<(), Failure> {
        let failed = || Failure::new(26, "Failed to open/read local data from file/application");
        let mut source = ask.body.open().map_err(|_| failed())?;
        let mut buffer = vec![0; BLOCK];
        let mut ended = false;
        while !ended {
            let count = source.read(&mut buffer).map_err(|_| failed())?;
            ended = count == 0;
            if ended && !chunked {
                break;
            }
            let framed: Vec<u8> = match (chunked, ended) {
                (false, _) => buffer[..count].to_vec(),
                (true, false) => [
                    format!("{count:x}\r\n").as_bytes(),
                    &buffer[..count],
                    b"\r\n",
                ]
                .concat(),
                (true, true) => {
                    self.session
                        .trace
                        .info("Signaling end of chunked upload via terminating chunk.");
                    b"0\r\n\r\n".to_vec()
                }
            };
            if let Err(failure) = self.pass(link, &framed) {
                // A server that has heard enough may have said why.
                if failure.code != 28 && matches!(link.fill(&self.deadline, None), Ok(Some(1..))) {
                    return Ok(());
                }
                return Err(failure);
            }
            self.session.trace.data_out(&framed);
            self.count(framed.len() as u64);
            self.meter.tick(&self.progress);
            self.mind_speed()?;
            self.mind_rate(self.progress.up);
        }
        if !chunked && self.state.sent > 0 {
            self.session
                .trace
                .info("We are completely uploaded and fine");
        }
        Ok(())
    }
}
