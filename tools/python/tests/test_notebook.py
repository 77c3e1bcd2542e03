"""The notebook of the examples, executed from its first cell to its last."""

import os
import unittest

from scene import ROOT, Ledger

try:
    import nbclient
    import nbformat
except ImportError:
    nbclient = None


@unittest.skipIf(nbclient is None, "no nbclient")
class Notebook(unittest.TestCase):
    def test_the_incident_is_told_from_bundle_to_chart(self):
        ledger = Ledger()
        self.addCleanup(ledger.close)
        payloads = [
            {"tenant_id": f"t{n % 3}", "denied": n >= 20 and n % 3 == 1, "deny_code": "DENY_X"}
            for n in range(40)
        ]
        ledger.append(payloads, kind="gate.answer")
        ledger.run("seal")
        ledger.run("export", "-o", "incident.bundle")
        os.environ["INCIDENT_BUNDLE"] = ledger.path("incident.bundle")
        os.environ["INCIDENT_KEY"] = ledger.key
        os.environ["MPLBACKEND"] = "agg"
        path = ROOT / "tools/python/examples/incident.ipynb"
        notebook = nbformat.read(path, as_version=4)
        resources = {"metadata": {"path": str(ledger.folder)}}
        nbclient.NotebookClient(notebook, timeout=120, resources=resources).execute()
        printed = "".join(
            output.get("text", "")
            for cell in notebook.cells
            for output in cell.get("outputs", [])
        )
        self.assertIn("pass 41 entries", printed)
        self.assertIn("first denial: entry 23 of t1", printed)
        self.assertGreater(os.path.getsize(ledger.path("denials.png")), 1000)


if __name__ == "__main__":
    unittest.main()
