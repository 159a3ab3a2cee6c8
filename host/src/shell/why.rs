//! The probe of an explanation, in a world that lives: it is sent, time passes as it does, and the
//! answer is what came of it. Never explains: `world::why` does.

use super::driver::Shell;
use std::rc::Rc;
use world::why::{Answer, PACE, Plan, Prober, Question};

impl Shell {
    /// Why something is not reached, or that it is. It takes virtual time, four seconds at most.
    pub(crate) async fn explain(self: &Rc<Self>, question: &Question) -> Answer {
        let plan: Plan = self.look(|world| world::why::plan(world, question));
        let mut prober = self.change(|world, now| Prober::begin(world, now, plan.clone()));
        loop {
            if let Some(outcome) = self.change(|world, now| prober.poll(world, now)) {
                return self.look(|world| world::why::answer(world, &plan, &outcome));
            }
            self.runtime.sleep(PACE).await;
        }
    }
}
