"""The same questions for zendesk/biz, where Ruby and the gem are installed."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from datetime import date

_SCRIPT = r"""
require "json"
require "date"
require "biz"
given = JSON.parse(STDIN.read)
Biz.configure do |config|
  config.hours = %i[mon tue wed thu fri].to_h { |day| [day, {"09:00" => "17:00"}] }
  config.holidays = given["holidays"].map { |day| Date.parse(day) }
  config.time_zone = "America/New_York"
end
starts = given["starts"].map { |ms| Time.at(ms / 1000).utc }
taken = given["spans"].to_h do |name, minutes|
  few = minutes > 5000 ? starts.first(6) : starts
  rounds = Array.new(5) do
    began = Process.clock_gettime(Process::CLOCK_PROCESS_CPUTIME_ID)
    if given["what"] == "due"
      few.each { |start| Biz.time(minutes, :minutes).after(start) }
    else
      few.each { |start| Biz.within(start, start + minutes * 60).in_seconds }
    end
    (Process.clock_gettime(Process::CLOCK_PROCESS_CPUTIME_ID) - began) / few.size * 1e6
  end
  [name, rounds.sort[2]]
end
puts JSON.dump(taken)
"""


def biz(what: str, starts: list[int], spans: Mapping[str, int], holidays: list[date]) -> dict[str, float]:
    """Median CPU µs a call by span; nothing, and a line that says so, where it is not installed."""
    ruby = shutil.which("ruby")
    if not ruby or subprocess.run([ruby, "-e", 'require "biz"'], capture_output=True, check=False).returncode:
        print("\nRuby or its gem biz is not installed: biz is left out (gem install biz).")
        return {}
    given = {"what": what, "starts": starts, "spans": spans, "holidays": [day.isoformat() for day in holidays]}
    done = subprocess.run([ruby, "-e", _SCRIPT], input=json.dumps(given), capture_output=True, text=True, check=True)
    return json.loads(done.stdout)
