"""What every part needs: errors, and files that several processes write safely."""
