import time
from pathlib import Path
from tests.support.rig import open_rig
RULES='''
- alert: RunOverLimit
  on: run
  expr: run.age > run.limit
  labels: {severity: critical}
  annotations: {summary: "x"}
  actions:
    - stop: {}
'''
async def test_it(tmp_path):
    t=time.perf_counter()
    async with open_rig(tmp_path, rules=RULES) as rig:
        print("open", time.perf_counter()-t)
        c = rig.start_run()
        t=time.perf_counter()
        await rig.run_for(1300)
        print("run 1300", time.perf_counter()-t)
        print(await rig.runs()); print(await rig.stops())
        for x in rig.inbox.told: print(x.at-1.8e9, x.rule, x.status, x.action, x.resolution)
        print(rig.world.record())
        assert 0
