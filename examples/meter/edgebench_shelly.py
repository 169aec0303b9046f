"""A Shelly smart plug (second generation) as a meter: EDGEBENCH_SHELLY=http://192.168.0.7"""

import json
import os
import urllib.request

from edgebench.power import Domain, Reading


class Shelly:
    method = "sampled:shelly"  # power that is looked at, by what
    quality = "A"  # an instrument at the plug
    kind = "power"  # a reading is in microwatts; "energy" is a counter in microjoules
    update_every_s = read_every_s = 1.0

    def why_not(self):
        return self.read()[0].why_not

    def domains(self):
        return (Domain("plug", "system"),)

    def read(self):
        address = os.environ.get("EDGEBENCH_SHELLY")
        if not address:
            return (Reading(None, "No plug is named. Set EDGEBENCH_SHELLY to its address."),)
        question = f"{address}/rpc/Switch.GetStatus?id=0"
        try:
            with urllib.request.urlopen(question, timeout=1) as answer:  # noqa: S310
                return (Reading(json.load(answer)["apower"] * 1e6),)
        except (OSError, ValueError, KeyError, TypeError) as error:
            return (Reading(None, f"The plug did not answer: {error}. Check its address."),)
