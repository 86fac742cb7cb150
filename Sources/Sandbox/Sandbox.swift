// The next commit fills this.
