"""What the engine starts: `python3 THIS_FOLDER run SCRIPT`. Being in the folder of the package, it finds our `hydro` before any other."""

from hydro._runner import main

if __name__ == "__main__":
    main()
