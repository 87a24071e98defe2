"""The dashboard as browsers get it: made of the readable sources in dashboard/."""
