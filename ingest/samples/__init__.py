"""Sample reports and marks, written for this project; no patient stands behind them."""
