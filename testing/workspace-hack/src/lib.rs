//! Nothing: the features of the dependencies are what this package is for.
